"""Secrets that show by their form, wherever they stand in a text.

Every pattern is linear: it starts only where the character before it allows, and what it has
passed it does not give back. A pattern is tried only if its marker is in the text.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

MASK: Final = "[masked]"
LINE_BREAK: Final = "\0"
"""What stands between console lines that are masked as one text."""

_SHORTEST = 8
_START = r"(?<![A-Za-z0-9_-])"
_FORMATS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    # OpenAI, Anthropic, OpenRouter and others
    (("sk-",), _START + r"sk-(?=[A-Za-z_-]*+[0-9])[A-Za-z0-9_-]{20,}+"),
    (("sk_", "rk_"), _START + r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}+"),  # Stripe
    (("whsec_",), _START + r"whsec_[A-Za-z0-9+/=]{16,}+"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _START + r"gh[pousr]_[A-Za-z0-9]{20,}+"),
    (("github_pat_",), _START + r"github_pat_[A-Za-z0-9_]{20,}+"),
    (("glpat-",), _START + r"glpat-[A-Za-z0-9_-]{16,}+"),
    (("xox", "xapp-"), _START + r"(?:xox[abcdeoprs]|xapp)-[A-Za-z0-9-]{10,}+"),  # Slack
    (("hooks.slack.com",), r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}+"),
    (
        ("AKIA", "ASIA", "ABIA", "ACCA"),  # AWS
        r"(?<![A-Za-z0-9])A(?:KI|SI|BI|CC)A[A-Z0-9]{16}(?![A-Za-z0-9])",
    ),
    (("AIza",), r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35,}+"),  # Google
    (("ya29.",), _START + r"ya29\.[A-Za-z0-9_-]{20,}+"),
    (("GOCSPX-",), _START + r"GOCSPX-[A-Za-z0-9_-]{20,}+"),
    (("npm_",), _START + r"npm_[A-Za-z0-9]{36,}+"),
    (("pypi-",), _START + r"pypi-AgE[A-Za-z0-9_-]{30,}+"),
    (("hf_",), _START + r"hf_[A-Za-z0-9]{30,}+"),  # Hugging Face
    (("gsk_",), _START + r"gsk_[A-Za-z0-9]{40,}+"),  # Groq
    (("xai-",), _START + r"xai-[A-Za-z0-9]{40,}+"),
    (("SG.",), _START + r"SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"),  # SendGrid
    (("_v1_",), _START + r"do[opr]_v1_[a-f0-9]{40,}+"),  # DigitalOcean
    (("shp",), _START + r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32,}+"),  # Shopify
    (("dapi",), _START + r"dapi[a-f0-9]{32}(?![a-f0-9])"),  # Databricks
    (("hvs.", "hvb."), _START + r"hv[sb]\.[A-Za-z0-9_-]{20,}+"),  # Vault
    (("AGE-SECRET-KEY-",), _START + r"AGE-SECRET-KEY-1[A-Z0-9]{50,}+"),
    (("oh_",), _START + r"oh_[0-9a-f]{16}_[0-9a-f]{64}"),  # ours
    (("eyJ",), _START + r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,3}+"),
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----END)[\s\S])*+(?:-----END[A-Z0-9 ]{0,60}-----)?"
)
_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<before>[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\0/:@\"'`<>]{0,100}+:)"
    r"[^\s\0/\"'`<>]{1,300}@"
)
_URL_NAME = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<before>[A-Za-z][A-Za-z0-9+.-]{1,20}://)"
    r"(?=[^\s\0/:@\"'`<>]{0,100}[0-9])[^\s\0/:@\"'`<>]{16,300}+@"
)
"""A long name without a password, with a digit in it: a token."""
_PARAMETER = re.compile(
    r"(?P<before>[?&;#](?:(?i:(?:[A-Z0-9_.-]{0,40}[_.-])?(?:token|apikey|key|sig|signature|secret|"
    r"password|passwd|pwd|auth|credential|jwt|assertion|sessionid))|"
    r"[a-z][A-Za-z0-9]{0,40}(?:Token|Key|Secret|Password|Signature))=)[^\s\0&;#\"'`<>]{1,4096}+"
)
"""A parameter of a URL that lets somebody in."""
_SCHEME = re.compile(
    r"(?<![A-Za-z0-9_-])(?P<scheme>Bearer|Basic)(?P<gap>[ \t]{1,3})"
    r"(?P<value>[A-Za-z0-9._~+/-]{6,}+=*+)",
    re.IGNORECASE,
)
_PARTIAL = re.compile(
    r"(?<![A-Za-z0-9_-])(?:sk-|[sr]k_|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA|AIza|eyJ|"
    r"hf_|npm_|Bearer )[A-Za-z0-9._+/=-]*+\Z"
)


_MARKED: Final = tuple(
    (marker, pattern)
    for markers, text in _FORMATS
    for pattern in (re.compile(text),)
    for marker in markers
)


def mask_tokens(text: str) -> str:
    """The text with every secret of a known form masked."""
    if len(text) < _SHORTEST:
        return text
    for marker, pattern in _MARKED:
        if marker in text:
            text = pattern.sub(MASK, text)
    if "PRIVATE KEY" in text:
        text = _PEM.sub(_mask_lines, text)
    if "://" in text and "@" in text:
        text = _URL.sub(rf"\g<before>{MASK}@", text)
        text = _URL_NAME.sub(rf"\g<before>{MASK}@", text)
    if "=" in text and ("?" in text or "#" in text):
        text = _PARAMETER.sub(rf"\g<before>{MASK}", text)
    return _mask_schemes(text)


def mask_partial(text: str) -> str:
    """Mask what may be the beginning of a secret, at the end of a text that was cut there."""
    return _PARTIAL.sub(MASK, text)


def _mask_schemes(text: str) -> str:
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        return _SCHEME.sub(_mask_scheme, text)
    return text


def _mask_scheme(found: re.Match[str]) -> str:
    """Mask credentials, and leave ordinary words that follow "bearer" or "basic"."""
    is_secret = _is_bearer if found["scheme"].lower() == "bearer" else _is_basic
    if is_secret(found["value"]):
        return f"{found['scheme']}{found['gap']}{MASK}"
    return found[0]


def _is_bearer(value: str) -> bool:
    return any(char.isdigit() for char in value) or len(value) >= 24


def _is_basic(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value[:4096] + "=" * (-len(value[:4096]) % 4))
    except (binascii.Error, ValueError):
        return False


def _mask_lines(found: re.Match[str]) -> str:
    """A mask that keeps console lines apart."""
    return MASK + LINE_BREAK * found[0].count(LINE_BREAK)

"""Names of agents and runs as one part of an address, whatever is in them; pure.

A slash ends a part even when it is escaped, and browsers take dots for a way up. So a plain name
stands as it is, and any other as ``~`` and its bytes in base64url. ``live.js`` does the same.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_:@-][A-Za-z0-9._:@-]*")


def segment(name: str) -> str:
    """The part of an address that stands for a name; it needs no other escape."""
    if _PLAIN.fullmatch(name):
        return name
    data = name.encode(errors="surrogatepass")
    return "~" + urlsafe_b64encode(data).decode().rstrip("=")


def name_of(part: str) -> str:
    """The name that a part stands for; one that ``segment`` has not made is the name itself."""
    if not part.startswith("~"):
        return part
    try:
        data = urlsafe_b64decode(part[1:] + "=" * (-len(part[1:]) % 4))
        found = data.decode(errors="surrogatepass")
    except ValueError:
        return part
    return found if segment(found) == part else part

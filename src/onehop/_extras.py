"""Optional parts: which pip command brings one that is missing.

Which packages an extra has is onehop's own metadata; which extras a feature needs is in this file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from onehop.errors import MissingExtraError

FEATURES: Final = {
    "a file that is compressed with zstd": ("zstd",),
    "a store in MongoDB": ("mongodb",),
    "a store in PostgreSQL": ("postgresql",),
    "a store in SQLite": ("audit",),
    "a webhook": ("client",),
    "keeping what runs were answered": ("recordings",),
    "metrics": ("metrics",),
    "onehop's client": ("client",),
    "onehop's tools": ("tools",),
    "OpenAPI documents": ("openapi",),
    "OpenAPI documents in YAML": ("openapi",),
    "patches of OpenAPI documents": ("openapi",),
    "Running on Ray": ("ray",),
    "secrets in the keyring": ("keyring",),
    "traces": ("otel",),
    "upstream MCP servers": ("mcp", "tools"),
}
"""What ``needed_for`` names: all extras that it takes, whichever package is missed first."""
COMMANDS: Final = {
    "agents": ("server",),
    "mcp": ("mcp",),
    "serve": ("server",),
    "tail": ("cli", "client"),
    "top": ("cli", "client"),
}
"""Commands of ``onehop`` that need more than the extra ``cli``."""
_PART_OF: Final = {
    "backports": "backports-zstd",
    "bson": "pymongo",
    "gridfs": "pymongo",
    "httpcore2": "httpx2",
    "jsonpointer": "jsonpatch",
    "markupsafe": "jinja2",
    "mcp_types": "mcp",
    "opentelemetry": "opentelemetry-sdk",
    "referencing": "jsonschema",
    "starlette": "fastapi",
    "yaml": "pyyaml",
}
"""Modules that come with a package of another name."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PARTS: Final = re.compile(r"[A-Za-z0-9._-]+\s*\[([^\]]*)\]")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Imports of optional parts belong into this block; ``what`` is one of FEATURES.

    Raises MissingExtraError, which names what is missing and the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        told = advice(error.name, FEATURES[what])
        if told is None:
            raise
        raise MissingExtraError(f"{what}: {told}", name=error.name) from None


def advice_for(arguments: Sequence[str], module: str | None) -> str | None:
    """``advice`` for the command of ``onehop`` that has these arguments."""
    command = next((each for each in arguments if not each.startswith("-")), "")
    return advice(module, COMMANDS.get(command, ("cli",)))


def advice(module: str | None, extras: Sequence[str] = ()) -> str | None:
    """What is missing and the command that installs it, with all of ``extras`` where these bring
    it; None for a module of onehop itself."""
    top = (module or "").partition(".")[0]
    if not top or top == "onehop":
        return None
    package = _normal(_PART_OF.get(top, top))
    optional = [*_optional()]
    if package not in _packages(extras, optional):
        sizes = Counter(extra for _, extra, _ in optional)
        having = [extra for name, extra, _ in optional if name == package]
        if not having:
            return f"the package {package} is missing: pip install {package}"
        extras = [min(having, key=sizes.__getitem__)]
    return f"this needs the package {package}: pip install 'onehop[{','.join(extras)}]'"


def _packages(extras: Iterable[str], optional: Sequence[tuple[str, str, list[str]]]) -> set[str]:
    """What these extras bring, those that they name in turn among them."""
    found, pending = set[str](), [*extras]
    while pending:
        extra = pending.pop()
        for name, of, parts in optional:
            if of == extra and name == "onehop":
                pending += parts
            elif of == extra:
                found.add(name)
    return found


def _optional() -> Iterator[tuple[str, str, list[str]]]:
    """Packages that onehop requires for one of its extras, that extra, and the extras of the
    package that it asks for."""
    from importlib.metadata import PackageNotFoundError, requires  # takes 10 ms

    try:
        lines = requires("onehop") or []
    except PackageNotFoundError:  # run from a folder that nobody installed
        return
    for line in lines:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        if name and extra:
            parts = _PARTS.match(line)
            yield _normal(name[0]), extra[1], re.split(r"\s*,\s*", parts[1]) if parts else []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""Optional parts: which pip command brings one that is missing, by onehop's own metadata."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires
from typing import Final

from onehop.errors import MissingExtraError

_PART_OF: Final = {
    "bson": "pymongo",
    "gridfs": "pymongo",
    "httpcore2": "httpx2",
    "jsonpointer": "jsonpatch",
    "mcp_types": "mcp",
    "opentelemetry": "opentelemetry-sdk",
    "referencing": "jsonschema",
    "starlette": "fastapi",
    "yaml": "pyyaml",
}
"""Modules that come with a package of another name."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Imports of optional parts belong into this block.

    Raises MissingExtraError, which names what is missing and the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        told = advice(error.name)
        if told is None:
            raise
        raise MissingExtraError(f"{what}: {told}", name=error.name) from None


def advice(module: str | None) -> str | None:
    """What is missing and the command that installs it; None for a module of onehop itself."""
    top = (module or "").partition(".")[0]
    if not top or top == "onehop":
        return None
    package = _normal(_PART_OF.get(top, top))
    optional = [*_optional()]
    sizes = Counter(extra for _, extra in optional)
    extras = [extra for name, extra in optional if name == package]
    if not extras:
        return f"the package {package} is missing: pip install {package}"
    smallest = min(extras, key=sizes.__getitem__)
    return f"this needs the package {package}: pip install 'onehop[{smallest}]'"


def _optional() -> Iterator[tuple[str, str]]:
    """Packages that onehop requires for one of its extras, with the extra's name."""
    try:
        lines = requires("onehop") or []
    except PackageNotFoundError:  # run from a folder that nobody installed
        return
    for line in lines:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        if name and extra:
            yield _normal(name[0]), extra[1]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

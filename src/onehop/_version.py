"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def onehop_version() -> str:
    """As the package's metadata has it; a checkout that is not installed has none."""
    try:
        return version("onehop")
    except PackageNotFoundError:
        return "unknown (not installed)"

"""The version of the installed package."""

from __future__ import annotations


def onehop_version() -> str:
    """As the package's metadata has it; a checkout that is not installed has none."""
    from importlib.metadata import PackageNotFoundError, version  # takes 20 ms

    try:
        return version("onehop")
    except PackageNotFoundError:
        return "unknown (not installed)"

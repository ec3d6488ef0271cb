"""``python -m onehop`` is the command ``onehop``."""

from __future__ import annotations

import sys

from onehop._extras import needed_for
from onehop.errors import MissingExtraError


def main() -> None:
    """Run the command, or say which part of the package it needs."""
    try:
        with needed_for("the command onehop"):
            from onehop.cli import main as command
    except MissingExtraError as error:
        sys.exit(f"onehop: {error}")
    command()


if __name__ == "__main__":
    main()

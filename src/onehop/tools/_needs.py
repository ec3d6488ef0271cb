"""What tools need beside the core: known when they are composed, loaded when it is used."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

from onehop._extras import needed_for

PART: Final = "onehop's tools"
_CHECKER: Final = "jsonschema"


def require_checker() -> None:
    """Raises MissingExtraError where arguments could not be checked. Loading it takes 150 ms, and
    waits for the first arguments that are in doubt."""
    with needed_for(PART):
        is_blocked = sys.modules.get(_CHECKER, True) is None
        if is_blocked or find_spec(_CHECKER) is None:
            raise ModuleNotFoundError(f"No module named {_CHECKER!r}", name=_CHECKER)

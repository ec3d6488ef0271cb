"""The user's text: made ready for the guest, explained when the engine refuses it; pure.

Text in, data out. Each part is loaded when it is first used, and the syntax trees when a text needs
one, because most runs need none and must pay only microseconds here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onehop.source._diagnose import diagnose
    from onehop.source._diagnosis import Diagnosis
    from onehop.source._excerpt import excerpt
    from onehop.source._foreign import explain
    from onehop.source._lines import index_at, lines, position
    from onehop.source._mentioned import name_place
    from onehop.source._notebook import NOTHING, Kept, has_to_be_read, keep_declarations
    from onehop.source._prepare import Prepared, Problem, prepare
    from onehop.source._remote import explained, kept_by, kept_json
    from onehop.source._shebang import without_shebang
    from onehop.source._variables import Variables

__all__ = [
    "NOTHING",
    "Diagnosis",
    "Kept",
    "Prepared",
    "Problem",
    "Variables",
    "diagnose",
    "excerpt",
    "explain",
    "explained",
    "has_to_be_read",
    "index_at",
    "keep_declarations",
    "kept_by",
    "kept_json",
    "lines",
    "name_place",
    "position",
    "prepare",
    "without_shebang",
]

_MODULES = {
    "NOTHING": "_notebook",
    "Diagnosis": "_diagnosis",
    "Kept": "_notebook",
    "Prepared": "_prepare",
    "Problem": "_prepare",
    "Variables": "_variables",
    "diagnose": "_diagnose",
    "excerpt": "_excerpt",
    "explain": "_foreign",
    "explained": "_remote",
    "has_to_be_read": "_notebook",
    "index_at": "_lines",
    "keep_declarations": "_notebook",
    "kept_by": "_remote",
    "kept_json": "_remote",
    "lines": "_lines",
    "name_place": "_mentioned",
    "position": "_lines",
    "prepare": "_prepare",
    "without_shebang": "_shebang",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found

"""The user's text: made ready for the guest, explained when the engine refuses it; pure.

Text in, data out. The syntax trees are loaded only when a text needs one, because most runs
need none and must pay only microseconds here.
"""

from onehop.source._diagnose import Diagnosis, diagnose
from onehop.source._excerpt import excerpt
from onehop.source._foreign import explain
from onehop.source._lines import lines
from onehop.source._notebook import Kept, keep_declarations
from onehop.source._prepare import Prepared, Problem, prepare
from onehop.source._remote import explained, kept_by, kept_json
from onehop.source._shebang import without_shebang
from onehop.source._variables import Variables

__all__ = [
    "Diagnosis",
    "Kept",
    "Prepared",
    "Problem",
    "Variables",
    "diagnose",
    "excerpt",
    "explain",
    "explained",
    "keep_declarations",
    "kept_by",
    "kept_json",
    "lines",
    "prepare",
    "without_shebang",
]

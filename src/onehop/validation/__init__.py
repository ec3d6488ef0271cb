"""Source text in, findings out: what will not work in the sandbox, why, and what to write instead.

Advice to the author of the code and a tripwire for people, not what protects the host: everything
that is found here is impossible at run time too, and each run of what is an error fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.validation._cache import Verdict
    from onehop.validation._operators import load_rule
    from onehop.validation._remote import examine
    from onehop.validation._risk import NO_HISTORY, CodeHistory
    from onehop.validation._rules import TRIPWIRES
    from onehop.validation._source import Rule, Source
    from onehop.validation._validator import Validator, validate_code

__all__ = [
    "NO_HISTORY",
    "TRIPWIRES",
    "CodeHistory",
    "Rule",
    "Source",
    "Validator",
    "Verdict",
    "examine",
    "load_rule",
    "validate_code",
]

__getattr__ = late(
    {  # who examines programs needs nothing of who has them examined, and the other way
        "onehop.validation._cache": "Verdict",
        "onehop.validation._operators": "load_rule",
        "onehop.validation._remote": "examine",
        "onehop.validation._risk": "NO_HISTORY CodeHistory",
        "onehop.validation._rules": "TRIPWIRES",
        "onehop.validation._source": "Rule Source",
        "onehop.validation._validator": "Validator validate_code",
    }
)

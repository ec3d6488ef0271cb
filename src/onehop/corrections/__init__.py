"""What a call obviously meant, though it said something slightly else; pure.

A correction uses the call itself and nothing else, keeps what is already valid as it is, and is
reported. What is ambiguous is left, to be refused in clear words or to run as it stands.
docs/reference/corrections.md lists every repair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.corrections._arguments import CorrectedCall, correct_arguments
    from onehop.corrections._code import correct_code
    from onehop.corrections._corrected import CorrectedCode, unexamined, unreturned
    from onehop.corrections._fence import wrapped_language
    from onehop.corrections._positions import finding_in_original, in_original
    from onehop.corrections._remote import corrected_blocking, read_corrected

__all__ = [
    "CorrectedCall",
    "CorrectedCode",
    "correct_arguments",
    "correct_code",
    "corrected_blocking",
    "finding_in_original",
    "in_original",
    "read_corrected",
    "unexamined",
    "unreturned",
    "wrapped_language",
]

__getattr__ = late(
    {  # the host reads what an analysis process has repaired, and repairs no program itself
        "onehop.corrections._arguments": "CorrectedCall correct_arguments",
        "onehop.corrections._code": "correct_code",
        "onehop.corrections._corrected": "CorrectedCode unexamined unreturned",
        "onehop.corrections._fence": "wrapped_language",
        "onehop.corrections._positions": "finding_in_original in_original",
        "onehop.corrections._remote": "corrected_blocking read_corrected",
    }
)

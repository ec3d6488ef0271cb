"""What a call obviously meant, though it said something slightly else; pure.

A correction uses the call itself and nothing else, keeps what is already valid as it is, and is
reported. What is ambiguous is left, to be refused in clear words or to run as it stands.
docs/reference/corrections.md lists every repair.
"""

from onehop.corrections._arguments import CorrectedCall, correct_arguments
from onehop.corrections._code import CorrectedCode, correct_code, unexamined
from onehop.corrections._fence import wrapped_language
from onehop.corrections._missing import unreturned
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

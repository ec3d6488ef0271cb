"""What is masked or left out of a record before anything of it is written; pure.

docs/reference/redaction.md says what is found, and what is not.
"""

from onehop.audit.redaction._redactor import Redactor, Secrets, is_preview
from onehop.audit.redaction._tokens import mask_tokens

__all__ = ["Redactor", "Secrets", "is_preview", "mask_tokens"]

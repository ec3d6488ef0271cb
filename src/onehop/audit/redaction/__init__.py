"""What is masked or left out of a record before anything of it is written; pure.

docs/reference/redaction.md says what is found, and what is not.
"""

from onehop.audit.redaction._redactor import Redactor, Secrets

__all__ = ["Redactor", "Secrets"]

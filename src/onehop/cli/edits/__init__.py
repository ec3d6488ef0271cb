"""Change one place in a settings file of another program, and leave the rest as it is.

One file for each form: ``put`` gives the changed text back, and raises UneditableError if it would
have to touch anything else.
"""

from __future__ import annotations

from onehop.errors import OnehopError


class UneditableError(OnehopError):
    """The text cannot be changed safely; says why, and where."""

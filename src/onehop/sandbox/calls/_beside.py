"""Tools that some runs have beside those of the sandbox, such as what a client has handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop.errors import ConfigError, InvalidRequestError
from onehop.tools import Catalogue, Tools, taken_by

if TYPE_CHECKING:
    from onehop.sandbox.calls._grant import Grant


class Beside:
    """``tools``; each must have a name that takes no other tool's place.

    What is made of them is kept as long as the sandbox's own tools are the same.
    """

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._made: tuple[Catalogue, Catalogue] | None = None
        self._granted: tuple[Catalogue, Grant] | None = None

    def catalogue(self, own: Catalogue) -> Catalogue:
        """``own`` and these. Raises InvalidRequestError that names the tool which cannot be used,
        or which is called as one that is in ``own``."""
        if self._made is not None and self._made[0] is own:
            return self._made[1]
        if taken := taken_by(own, self.tools):
            allowed = "another name: the server has a tool or a namespace that is called so"
            raise InvalidRequestError(f"tools.{taken}"[:200], "a name that is taken", allowed)
        try:
            made = own.with_more(self.tools)
        except ConfigError as error:
            raise InvalidRequestError("tools", "one that cannot be used", str(error)) from None
        self._made = (own, made)
        return made

    def kept(self, own: Catalogue) -> Grant | None:
        """What was kept for ``own``."""
        known = self._granted
        return known[1] if known is not None and known[0] is own else None

    def keep(self, own: Catalogue, grant: Grant) -> None:
        """Use ``grant`` for further runs, as long as the sandbox has its ``own`` tools."""
        self._granted = (own, grant)

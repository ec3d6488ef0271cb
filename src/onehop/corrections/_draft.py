"""A program while it is repaired: its text, and its tree, which is built when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from onehop.corrections._edits import Edit, edited
from onehop.source._shebang import without_shebang

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onehop.source._tree import SyntaxTree
    from onehop.types import Language

MAX_LENGTH: Final = 100_000
"""Characters; longer programs are not parsed."""
_MAX_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Repair:
    """What to change, and how it is reported."""

    kind: str
    edits: tuple[Edit, ...]
    before: str
    after: str


class Draft:
    """A program as it stands at one moment; what is worked out of it is kept."""

    def __init__(self, code: str, language: Language) -> None:
        self.code = code
        self.language = language

    @cached_property
    def tree(self) -> SyntaxTree | None:
        """The syntax tree; None when the text is too long or too slow to parse."""
        if len(self.code) > MAX_LENGTH or not self.code.strip():
            return None
        from onehop.source._tree import parse

        return parse(without_shebang(self.code), self.language, _MAX_SECONDS)

    @property
    def parsed(self) -> bool:
        """Whether there was a reason to build the tree."""
        return "tree" in vars(self)

    @property
    def whole(self) -> SyntaxTree | None:
        """The tree, if it has no error."""
        tree = self.tree
        return None if tree is None or tree.root.has_error else tree

    @cached_property
    def broken(self) -> bool:
        """Whether it certainly does not compile."""
        return self.tree is not None and self.tree.root.has_error

    def changed(self, edits: Iterable[Edit]) -> Draft:
        """The program that the edits would make of it."""
        return Draft(edited(self.code, edits).after, self.language)

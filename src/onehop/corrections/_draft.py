"""A program while it is repaired: its text, and its tree, which is built when it is asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from onehop.corrections._edits import Edit, edited
from onehop.source._shebang import without_shebang

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onehop.source._tree import SyntaxTree
    from onehop.types import Language

_MAX_SECONDS: Final = 1.0
"""CPU time for all trees of one program; the greatest that is examined takes half of it once."""
_MOST_STATEMENTS: Final = 200_000
"""At the top level; each of them is looked at several times."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What to change, and how it is reported."""

    kind: str
    edits: tuple[Edit, ...]
    before: str
    after: str
    language: Language | None = None
    """What is taken away says that the program is in this one."""


class Draft:
    """A program as it stands at one moment; what is worked out of it is kept."""

    def __init__(
        self,
        code: str,
        language: Language,
        deadline: float | None = None,
        *,
        keeps: bool = False,
    ) -> None:
        self.code = code
        self.keeps = keeps
        """Whether later calls see what it declares: then there is a use in declaring alone."""
        self.language = language
        self._deadline = time.thread_time() + _MAX_SECONDS if deadline is None else deadline
        """By the CPU clock of this thread."""

    @cached_property
    def tree(self) -> SyntaxTree | None:
        """The syntax tree; None when the text is blank, too long or too slow to parse."""
        if not self.code.strip():
            return None
        from onehop.source._tree import parse

        left = self._deadline - time.thread_time()
        tree = parse(without_shebang(self.code), self.language, left) if left > 0 else None
        is_tangled = tree is not None and tree.root.named_child_count > _MOST_STATEMENTS
        return None if is_tangled else tree

    @property
    def parsed(self) -> bool:
        """Whether there was a reason to build the tree."""
        return "tree" in vars(self)

    @property
    def unseen(self) -> bool:
        """Whether there was a reason to build the tree, and it was too much."""
        return self.parsed and self.tree is None and bool(self.code.strip())

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
        """The program that the edits would make of it; its trees take of the same time."""
        after = edited(self.code, edits).after
        return Draft(after, self.language, self._deadline, keeps=self.keeps)

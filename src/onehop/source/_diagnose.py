"""Say what is wrong with a text that the engine has refused, in words and at a place to act on.

The engine's own words stand unless something better is certain: they blame the closing brace of
our wrapper for a bracket of the user's, and know nothing of JSX, modules or TypeScript.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from onehop.source import _words
from onehop.source._brackets import Opening, Scan, scan
from onehop.source._diagnosis import Diagnosis
from onehop.source._foreign import foreign, second_statement
from onehop.source._lines import index_in_line, line_at, position
from onehop.source._prepare import Prepared, prepare
from onehop.source._shebang import without_shebang
from onehop.source._tree import Grammar, SyntaxTree, decode, encode, parse

if TYPE_CHECKING:
    from tree_sitter import Node, TreeCursor

    from onehop.types import Language


_MAX_ANALYSED = 128 * 1024
"""Characters; of longer texts only the engine's words are given. Holds a hostile text that is
made to be hard to analyse to some tenths of a second."""


def diagnose(
    code: str, language: Language, message: str, line: int | None, column: int | None
) -> Diagnosis:
    """Explain a syntax error that the engine reported; never raises, whatever the text.

    ``line`` and ``column`` count in the user's text and may lie beyond its end.
    """
    code = without_shebang(code)
    case = _Case(code, language, _own_words(message), _index(code, line, column))
    if len(code) <= _MAX_ANALYSED:
        for rule in _RULES:
            found = rule(case)
            if found:
                return found
    return _end_of_input(case) or case.at(case.words, case.index)


class _Case:
    """A refused text and where it was refused; trees and brackets are worked out when asked."""

    def __init__(self, code: str, language: Language, words: str, index: int | None) -> None:
        self.code = code
        self.language = language
        self.words = words
        self.index = index
        self._trees: dict[Grammar, SyntaxTree | None] = {}
        self.at_end = index is not None and not code[index:].strip()

    def at(self, message: str, index: int | None) -> Diagnosis:
        """A diagnosis at an index of the text."""
        place = (None, None) if index is None else position(self.code, index)
        return Diagnosis(message, *place)

    def place(self, index: int) -> str:
        return "line {}, column {}".format(*position(self.code, index))

    @cached_property
    def brackets(self) -> Scan:
        return scan(self.code)

    def tree(self, grammar: Grammar) -> SyntaxTree | None:
        if grammar not in self._trees:
            self._trees[grammar] = parse(self.code, grammar, max_seconds=0.1)
        return self._trees[grammar]


_NOISE = re.compile(
    r"^(?:Uncaught )?(?:\w*Error: )?(?:The module's source code could not be parsed: )?"
    r"(?:SyntaxError: )?"
)
_PLACE = re.compile(r" at \S+:\d+:\d+$")
_MAX_WORDS = 500


def _own_words(message: str) -> str:
    """The engine's first line, without its picture of the text and its idea of the file."""
    first = message.strip().partition("\n")[0][: 4 * _MAX_WORDS]
    return _PLACE.sub("", _NOISE.sub("", first))[:_MAX_WORDS].strip() or "Invalid syntax"


def _index(code: str, line: int | None, column: int | None) -> int | None:
    """The index of a position, the text's length when it lies outside of the text."""
    if line is None:
        return None
    found = line_at(code, line)
    if found is None:
        return len(code)
    text, start = found
    return start + index_in_line(text, column or 1)


def _foreign(case: _Case) -> Diagnosis | None:
    found = foreign(case.code, case.index)
    return None if found is None else case.at(*found)


_KEYWORD = re.compile(r"(import|export)\b")
_META = re.compile(r"import\s*\.")
_STATEMENT_START = re.compile(r"(?:^|[;{}\n\r])\s*$")
_ABOUT_MODULES = re.compile(r"outside (?:of )?(?:a )?module|import statement|token 'export'")
_MODULE_LINE = re.compile(
    r"\s*(import|export)\b(?!\s*[(.=:])(?!\s+(?:type|interface|declare|abstract|namespace)\b)"
)


def _modules(case: _Case) -> Diagnosis | None:
    if case.index is None:
        return None
    if _META.match(case.code, case.index) or "import.meta" in case.words:
        # V8 points to `meta`, swc to `import`.
        start = case.code.rfind("import", 0, case.index + len("import"))
        return case.at(_words.IMPORT_META, max(start, 0))
    before = case.code[max(0, case.index - 200) : case.index]
    keyword = _KEYWORD.match(case.code, case.index)
    if keyword and (_ABOUT_MODULES.search(case.words) or _STATEMENT_START.search(before)):
        return case.at(_module_words(case, keyword), case.index)
    return _module_line(case, case.index)


def _module_line(case: _Case, index: int) -> Diagnosis | None:
    """The engine stumbled over a later word of a line that is an import or export."""
    found = line_at(case.code, position(case.code, index)[0])
    keyword = found and _MODULE_LINE.match(found[0])
    if not found or not keyword or case.at_end:
        return None
    return case.at(_module_words(case, keyword), found[1] + keyword.start(1))


def _module_words(case: _Case, keyword: re.Match[str]) -> str:
    if case.language == "javascript":
        prepared = prepare(case.code, "typescript")
        if isinstance(prepared, Prepared) and prepared.code != case.code:  # only types go
            return f"{case.words}. {_words.LOOKS_LIKE_TYPESCRIPT}"
    return _words.IMPORT if keyword.group(1) == "import" else _words.EXPORT


def _await(case: _Case) -> Diagnosis | None:
    """An ``await`` in a function that is not async, for which engines have various words."""
    if case.index is None or "await" not in case.code:
        return None
    is_about_it = "await is only valid" in case.words or "reserved word" in case.words
    if is_about_it and case.code.startswith("await", case.index):
        return case.at(_words.AWAIT, case.index)
    loop = _FOR_AWAIT.match(case.code, case.index) if is_about_it else None
    return case.at(_words.AWAIT, loop.end() - 5) if loop else _await_before(case, case.index)


_FOR_AWAIT = re.compile(r"for\s+await")
_AWAIT = re.compile(r"(?<![\w$.])await(?![\w$])")
_MAX_AWAITS = 200
_FUNCTIONS = frozenset(
    "arrow_function function_expression function_declaration method_definition "
    "generator_function generator_function_declaration".split()
)


def _await_before(case: _Case, index: int) -> Diagnosis | None:
    """The engine took the ``await`` for a name and stopped there; the grammar did not."""
    tree = case.tree(case.language)
    if tree is None:
        return None
    for found in itertools.islice(_AWAIT.finditer(case.code, 0, index + 5), _MAX_AWAITS):
        byte = len(encode(case.code[: found.start()]))
        node = tree.root.descendant_for_byte_range(byte, byte + 2)
        if node is None or node.type != "await" or _is_in_async(node):
            continue
        if not tree.root.has_error or not case.code[found.end() : index].strip():
            return case.at(_words.AWAIT, found.start())
    return None


def _is_in_async(node: Node) -> bool:
    """Whether an ``await`` may stand there: at the top level, or in an async function."""
    around = node.parent
    while around is not None and around.type not in _FUNCTIONS:
        if around.type in ("class_body", "class_static_block"):
            return False
        around = around.parent
    return around is None or any(child.type == "async" for child in around.children)


_MAYBE_JSX = re.compile(r"<[\w>]")
_MAX_JSX_PLACES = 20
_JSX_KINDS = frozenset({"jsx_element", "jsx_self_closing_element", "jsx_fragment"})


def _jsx(case: _Case) -> Diagnosis | None:
    if case.index is None or not _MAYBE_JSX.search(case.code):
        return None
    tree = case.tree("javascript" if case.language == "javascript" else "tsx")
    if tree is None:
        return None
    for near in _jsx_places(case):
        start = _jsx_around(tree.root.walk(), near)
        if start is not None:
            return case.at(_words.JSX, len(decode(tree.data[:start])))
    return None


def _jsx_places(case: _Case) -> list[int]:
    """Bytes where an element may be. Engines point to it, or just behind it, or, when they take
    its slash for the start of a regular expression, to the end of the text."""
    if case.at_end:
        starts = itertools.islice(_MAYBE_JSX.finditer(case.code), _MAX_JSX_PLACES)
        return [len(encode(case.code[: found.start()])) for found in starts]
    byte = len(encode(case.code[: case.index]))
    return [byte, byte - 2]


def _jsx_around(cursor: TreeCursor, byte: int) -> int | None:
    """Where the outermost whole JSX element around ``byte`` starts."""
    while cursor.goto_first_child_for_byte(byte) is not None:
        node = cursor.node
        if node is None or node.start_byte > byte:
            return None
        if node.type in _JSX_KINDS and not node.has_error:
            return node.start_byte
    return None


def _typescript(case: _Case) -> Diagnosis | None:
    """TypeScript sent as JavaScript: one grammar takes it and the other does not."""
    if case.language != "javascript" or case.index is None or case.at_end:
        return None
    is_decorator = case.code.startswith("@", case.index)
    as_javascript = case.tree("javascript")
    if as_javascript is None or not (as_javascript.root.has_error or is_decorator):
        return None
    as_typescript = case.tree("typescript")
    if as_typescript is None or as_typescript.root.has_error:
        return None
    return case.at(f"{case.words}. {_words.LOOKS_LIKE_TYPESCRIPT}", case.index)


def _second_statement(case: _Case) -> Diagnosis | None:
    words = None if case.index is None else second_statement(case.code, case.index)
    return None if words is None else case.at(words, case.index)


_BLOCK = re.compile(r"(?:^|[;{}\n\r]|(?P<arrow>=>))[ \t]*\{[^{}();=]*$")


def _block(case: _Case) -> Diagnosis | None:
    """An object at the start of a statement."""
    if case.index is None or not case.code.startswith((":", "..."), case.index):
        return None
    found = _BLOCK.search(case.code[max(0, case.index - 500) : case.index])
    if found is None:
        return None
    return case.at(_words.BODY if found["arrow"] else _words.BLOCK, case.index)


def _surplus(case: _Case) -> Diagnosis | None:
    surplus = case.brackets.surplus
    if surplus is None or case.index is None or case.index < surplus:
        return None
    bracket = case.code[surplus]
    return case.at(f"Unexpected token '{bracket}': it closes nothing, remove it", surplus)


_KINDS = {"`": "template literal", "/*": "comment"}


def _unterminated(case: _Case) -> Diagnosis | None:
    opening = case.brackets.unterminated
    if opening is None or (case.index is not None and case.index < opening.index):
        return None
    kind = _KINDS.get(opening.text, "string")
    return case.at(f"Unterminated {kind}: {_never_closed(case, opening)}", opening.index)


def _mismatch(case: _Case) -> Diagnosis | None:
    if case.brackets.mismatch is None or case.index is None:
        return None
    opening, closer = case.brackets.mismatch
    if not (case.at_end or case.index == closer):
        return None
    message = f"Unexpected token '{case.code[closer]}': {_name(opening)} opened at"
    return case.at(f"{message} {case.place(opening.index)} must be closed first", closer)


_WANTS_CLOSING = re.compile(r"missing|Expected '?[,)\]}]")


def _unclosed(case: _Case) -> Diagnosis | None:
    if not case.brackets.unclosed or case.brackets.stopped or case.index is None:
        return None
    opening = case.brackets.unclosed[-1]
    if case.at_end:
        message = f"{_words.END_OF_INPUT}: {_never_closed(case, opening)}"
        return case.at(message, opening.index)
    if opening.index < case.index and _WANTS_CLOSING.search(case.words):
        return case.at(f"{case.words}: {_never_closed(case, opening)}", case.index)
    return None


def _never_closed(case: _Case, opening: Opening) -> str:
    return f"{_name(opening)} opened at {case.place(opening.index)} is never closed"


def _name(opening: Opening) -> str:
    return "the backtick" if opening.text == "`" else f"the `{opening.text}`"


def _end_of_input(case: _Case) -> Diagnosis | None:
    if not case.at_end:
        return None
    return case.at(_words.END_OF_INPUT, len(case.code.rstrip()))


_RULES: tuple[Callable[[_Case], Diagnosis | None], ...] = (
    _foreign,
    _modules,
    _await,
    _jsx,
    _typescript,
    _second_statement,
    _block,
    _surplus,
    _unterminated,
    _mismatch,
    _unclosed,
)

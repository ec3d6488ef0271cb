"""Find the bracket, quote or comment that a broken JavaScript text leaves open, or closes twice.

A tokenizer and a stack in one pass, not a parser: a parser guesses how broken text was meant,
this only counts. It takes linear time on any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n\r\u2028\u2029]*+|/\*(?s:.)*?\*/)
  | (?P<string>'(?:[^'\\\n\r]|\\(?s:\r\n|.))*+'|"(?:[^"\\\n\r]|\\(?s:\r\n|.))*+")
  | (?P<broken>/\*|'|")
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<quote>`)
  | (?P<word>[\w$]++)
  | (?P<postfix>\+\+|--)
  | (?P<slash>/)
  | (?P<other>[^\s\w$])
    """,
    re.VERBOSE,
)
_TEMPLATE = re.compile(r"(?s:[^`\\$]|\\.|\$(?!\{))*+(?P<end>`|\$\{)?")
_REGEX = re.compile(r"/(?:[^/\\\[\n\r]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*+\])++/[a-z]*+")
_LINE_REST = re.compile(r"[^\n\r]*+")
_CLOSER = {"(": ")", "[": "]", "{": "}", "${": "}"}
_BEFORE_REGEX = frozenset(
    "return typeof case in of delete void throw new do else instanceof yield await".split()
)


@dataclass(frozen=True, slots=True)
class Opening:
    """Something that begins at ``index``: a bracket, ``${``, a quote or ``/*``."""

    text: str
    index: int


@dataclass(slots=True)
class Scan:
    """What the first pass over a text found; it stops at the first trouble."""

    unclosed: list[Opening] = field(default_factory=list)
    """Brackets still open where the scan stopped, the innermost last."""
    unterminated: Opening | None = None
    """A string, template or comment without an end."""
    surplus: int | None = None
    """Where a closing bracket stands that closes nothing."""
    mismatch: tuple[Opening, int] | None = None
    """A bracket, and where one of another kind tries to close it."""

    @property
    def stopped(self) -> bool:
        """Whether the text is already known to be broken."""
        return (
            self.unterminated is not None or self.surplus is not None or self.mismatch is not None
        )


def scan(code: str) -> Scan:
    """Match the brackets, quotes and comments of ``code``."""
    scanner = _Scanner(code)
    at = 0
    while not scanner.found.stopped and (token := _TOKEN.search(code, at)):
        at = scanner.take(token)
    return scanner.found


class _Scanner:
    def __init__(self, code: str) -> None:
        self.code = code
        self.found = Scan()
        self._after_value = False
        self._no_regex_before = 0

    def take(self, token: re.Match[str]) -> int:
        """Account for one token; return where the next may start."""
        text, start = token.group(), token.start()
        match token.lastgroup:
            case "open":
                self.found.unclosed.append(Opening(text, start))
            case "close":
                return self._close(text, start)
            case "quote":
                return self._template(Opening("`", start), start + 1)
            case "slash":
                return self._slash(start)
            case "broken":
                self.found.unterminated = Opening(text, start)
        self._remember(token.lastgroup, text)
        return token.end()

    def _remember(self, kind: str | None, text: str) -> None:
        """A slash after a value divides; elsewhere it starts a regular expression."""
        if kind == "word":
            self._after_value = text not in _BEFORE_REGEX
        elif kind not in ("comment", "postfix"):
            self._after_value = kind == "string" or text in (")", "]")

    def _close(self, text: str, start: int) -> int:
        self._remember("close", text)
        if not self.found.unclosed:
            self.found.surplus = start
        elif _CLOSER[self.found.unclosed[-1].text] != text:
            self.found.mismatch = self.found.unclosed[-1], start
        elif self.found.unclosed.pop().text == "${":
            return self._template(self.found.unclosed.pop(), start + 1)
        return start + 1

    def _template(self, quote: Opening, at: int) -> int:
        """Pass over the text of a template; its expressions go through the main loop."""
        part = _TEMPLATE.match(self.code, at)
        end = part.end() if part else at
        match part and part.group("end"):
            case "`":
                self._after_value = True
            case "${":
                self.found.unclosed += quote, Opening("${", end - 2)
                self._after_value = False
            case _:
                self.found.unterminated = quote
        return end

    def _slash(self, start: int) -> int:
        divides = self._after_value or start < self._no_regex_before
        regex = None if divides else _REGEX.match(self.code, start)
        if regex:
            self._after_value = True
            return regex.end()
        if not divides and (rest := _LINE_REST.match(self.code, start)):
            self._no_regex_before = rest.end()
        self._after_value = False
        return start + 1

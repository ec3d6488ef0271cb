"""What was put around a program for people to read: Markdown fences, prose beside them, tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onehop.corrections._draft import Repair
from onehop.corrections._edits import Edit
from onehop.corrections._report import shorten
from onehop.inputs.languages import LANGUAGES
from onehop.source._brackets import scan

if TYPE_CHECKING:
    from onehop.corrections._draft import Draft
    from onehop.types import Language

_NEUTRAL = frozenset(
    "code code_execute codeexecute execute repl run script tool tool_call tool_code "
    "tool_use".split()
)
"""Tags that say that it is a program, and not in which language."""
_MARKS = "(?P<marks>`{3,20}+|~{3,20}+)"
_OPENING = re.compile(rf"[\s\ufeff]*+(?P<line>{_MARKS}(?P<info>[^`\n\r]*+))[\n\r]")
_MARK_LINE = re.compile(rf"^[ \t]*+(?P<line>{_MARKS}(?P<info>[^`\n\r]*+))\r?$", re.MULTILINE)
_OPEN = re.compile(rf"(?P<line>{_MARKS}(?P<info>[^`~\n\r]*+))\r?$", re.MULTILINE)
_TAG = re.compile(r"\s*\{?\.?([\w.+#-]*)")
_ONE_LINE = re.compile(r"\s*+(?P<open>```(?:(?P<tag>\w++)[ \t])?)[^`\n\r]++(?P<close>```)\s*+")
_ELEMENT = re.compile(
    r"[\s\ufeff]*+(?P<open><(?P<name>script|code|pre|javascript|typescript|tool_code|execute|"
    r"code_execute)\b[^<>\n]{0,500}+>)"
)
_ATTRIBUTE = re.compile(
    r"\b(?:lang|language|type|class)\s*=\s*[\"']?(?:\w+/|lang(?:uage)?-)?(?:x-)?(?P<tag>[\w.]+)"
)
_NAME_LINE = re.compile(
    rf"[\s\ufeff]*+(?P<name>{'|'.join(map(re.escape, LANGUAGES))})[ \t]*+:?[ \t]*+[\n\r]",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"\s*+(?:[^\w$\s\"'`{@/(]|/(?![/*])|(?:in|instanceof|of)\b|=|`)")
"""What cannot begin a statement, or would make one with the line before it."""
_AT_HEAD = re.compile(
    f"{_ELEMENT.pattern}|{_NAME_LINE.pattern}".replace("?P<name>", ""), re.IGNORECASE
)
_NOT_LINE_END = re.compile("[^\n\r\u2028\u2029]")
_NOT_PROSE = re.compile(
    r"/\*|[{}=]|;[ \t]*$|\w\(|\breturn\b|^[ \t]*(?://|(?:async|await|class|const|export|for|function"
    r"|if|import|interface|let|switch|throw|try|type|var|while)\b(?!:))",
    re.MULTILINE,
)
"""Anything of a program in what stands beside a fence: it is more than words about the program."""
_SPAN_OF_CODE = re.compile("`[^`\n]*+`")
_LONGEST_PROSE: Final = 20_000
"""Characters of the words on each side of a fence."""
_DEEPEST: Final = 2
"""Wrappings within a wrapping, such as `<pre><code>`."""
_LONGEST_LINE: Final = 100
"""Characters of the line that opens a fence behind such words."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What is around a program, and the language that it names, if it names one of ours."""

    spans: list[Span]
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """Where the two marks of a fence are, and what it says of the language."""

    opening: Span
    closing: Span
    """Empty when the text ends before the fence does, as Markdown allows."""
    tag: str

    @property
    def language(self) -> Language | None:
        """What the tag says; None when it says none, or one that is not ours."""
        return LANGUAGES.get(self.tag)

    @property
    def ours(self) -> bool:
        """Whether what is in it may be a program for us."""
        return not self.tag or self.tag in LANGUAGES or self.tag in _NEUTRAL


def find_fence(code: str) -> Fence | None:
    """The fence around all of ``code``; None when there is none, or text besides it."""
    opening = _OPENING.match(code)
    if opening is None:
        return None
    closing = _closing(code, opening.end(), opening["marks"])
    inside = "" if closing is None else code[opening.end() : closing[0]]
    is_open = closing is not None and closing[0] == closing[1]
    if closing is None or not inside.strip() or (is_open and opening["marks"] in inside):
        return None
    return Fence(opening.span("line"), closing, _tag(opening["info"]))


def _tag(info: str) -> str:
    found = _TAG.match(info)
    return found[1].lower() if found else ""


def _closing(code: str, start: int, marks: str) -> Span | None:
    """The first line that closes the fence, if it is the last of the text."""
    line = re.compile(rf"^[ \t]*{re.escape(marks)}{marks[0]}*[ \t\r]*$", re.MULTILINE)
    found = line.search(code, start - 1)
    if found is not None:
        return None if code[found.end() :].strip() else found.span()
    end = len(code.rstrip())
    # Code that ends in three backticks calls a string, so this is no code either.
    return (end - len(marks), end) if code.endswith(marks, start, end) else (end, end)


def unfence(draft: Draft) -> Repair | None:
    """Blanks in the place of what is around the program, so that every position stays."""
    code = draft.code
    found = _wrapping(code, _KINDS)
    if found is None:
        return None
    edits = (Edit(start, end, _blanks(code[start:end])) for start, end in found.spans)
    shown = shorten(code[slice(*found.spans[0])])
    return Repair("fence", tuple(edits), shown, "", found.language)


def wrapped_language(code: str) -> Language | None:
    """The language that is named by what ``unfence`` would take away."""
    found = _wrapping(code, _NAMING)
    return None if found is None else found.language


def _wrapping(code: str, kinds: Sequence[_Kind]) -> Wrapping | None:
    if "```" not in code and "~~~" not in code and not _AT_HEAD.match(code):
        return None
    found = next(filter(None, (find(code) for find in kinds)), None)
    for _ in range(_DEEPEST):
        if found is None:
            break
        within = next(filter(None, (find(_without(code, found)) for find in _WITHIN)), None)
        if within is None:
            break
        found = Wrapping([*found.spans, *within.spans], within.language or found.language)
    return found


def _without(code: str, found: Wrapping) -> str:
    """The same, with blanks in the place of what was found."""
    for start, end in found.spans:
        code = f"{code[:start]}{_blanks(code[start:end])}{code[end:]}"
    return code


def _blanks(text: str) -> str:
    return _NOT_LINE_END.sub(" ", text)


def _whole(code: str) -> Wrapping | None:
    """One fence around all."""
    fence = find_fence(code)
    if fence is None or not fence.ours:
        return None
    return Wrapping([fence.opening, fence.closing], fence.language)


def _in_prose(code: str) -> Wrapping | None:
    """One fence, and words before or behind it.

    Three backticks call a string wherever they are code, so that such a text never got past them;
    and what is beside them must have nothing of a program, or it would be lost.
    """
    opening = _OPEN.search(code, 0, _LONGEST_PROSE + _LONGEST_LINE)
    if opening is None or opening.end() >= len(code):
        return None
    start, stop = opening.span("line")
    fence = Fence((start, stop), _first_closing(code, opening), _tag(opening["info"]))
    inside = code[stop : fence.closing[0]]
    words = [code[:start], code[fence.closing[1] :]]
    if not fence.ours or not inside.strip() or not all(map(_is_prose, words)):
        return None
    return Wrapping([(0, stop), (fence.closing[0], len(code))], fence.language)


def _first_closing(code: str, opening: re.Match[str]) -> Span:
    """Where the fence closes: on a line of its own, or anywhere; else the end of the text."""
    marks = opening["marks"]
    line = re.compile(rf"^[ \t]*({re.escape(marks)})[ \t\r]*$", re.MULTILINE)
    alone = line.search(code, opening.end())
    at = alone.start(1) if alone else code.find(marks, opening.end())
    if at < 0:
        return len(code), len(code)
    return at, at + len(marks)


def _is_prose(text: str) -> bool:
    if len(text) > _LONGEST_PROSE:
        return False
    if "```" in text or "~~~" in text or _NOT_PROSE.search(_SPAN_OF_CODE.sub("code", text)):
        return False
    return not any(line.count("`") % 2 for line in text.splitlines())


def _stray(code: str) -> Wrapping | None:
    """Only the end of a fence, behind a program that is complete without it."""
    marks = list(_MARK_LINE.finditer(code))
    if len(marks) != 1 or marks[0]["info"].strip() or code[marks[0].end() :].strip():
        return None
    before = code[: marks[0].start("line")]
    found = scan(before)
    is_complete = before.strip() and not found.stopped and not found.unclosed
    return Wrapping([marks[0].span("line")]) if is_complete else None


def _one_line(code: str) -> Wrapping | None:
    found = _ONE_LINE.fullmatch(code)
    if found is None:
        return None
    named = LANGUAGES.get((found["tag"] or "").lower())
    tag = found.span("tag") if named is not None else (0, 0)
    start = found.start("open")
    return Wrapping([(start, max(start + 3, tag[1])), found.span("close")], named)


def _element(code: str) -> Wrapping | None:
    """A tag of HTML or XML around all, which no program begins with."""
    opening = _ELEMENT.match(code)
    closing = f"</{opening['name']}>" if opening else ""
    end = len(code.rstrip())
    if opening is None or not code.endswith(closing, opening.end(), end):
        return None
    attribute = _ATTRIBUTE.search(opening["open"])
    named = LANGUAGES.get(attribute["tag"].lower() if attribute else opening["name"])
    return Wrapping([opening.span("open"), (end - len(closing), end)], named)


def _name_line(code: str) -> Wrapping | None:
    """The name of the language on a line of its own, as of a fence whose marks are gone."""
    line = _NAME_LINE.match(code)
    if line is None or _GOES_ON.match(code, line.end()) or not code[line.end() :].strip():
        return None
    is_used = re.search(rf"(?<![\w$]){re.escape(line['name'])}(?![\w$])", code[line.end() :])
    if is_used:
        return None
    return Wrapping([(line.start("name"), line.end())], LANGUAGES[line["name"].lower()])


_Kind = Callable[[str], Wrapping | None]
_NAMING: Final[Sequence[_Kind]] = (_whole, _in_prose, _one_line, _element, _name_line)
_KINDS: Final[Sequence[_Kind]] = (_whole, _stray, _in_prose, _one_line, _element, _name_line)
_WITHIN: Final[Sequence[_Kind]] = (_whole, _one_line, _element, _name_line)

"""Texts that are not JavaScript at all, or not only: fences, calls, Python, commands, odd marks.

Each rule looks for something that no JavaScript has at the place where the engine gave up, or
anywhere if it cannot be JavaScript anywhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

from onehop.inputs.languages import language_named
from onehop.source import _words
from onehop.source._lines import lines
from onehop.source._misspelt import meant_by, swapped
from onehop.source._odd import INVISIBLE, REPLACEMENTS, SINGLE, Mark, odd_marks
from onehop.source._tongues import SHELL, tongue

Found = tuple[str, int] | None
"""Words and the place that they speak of."""

_FENCE = re.compile(
    r"^[ \t]*+(?:```|~~~)|(?<=[ \t:])(?:```|~~~)(?=[\w.+-]*+[ \t\r]*+$)", re.MULTILINE
)
_PYTHON = re.compile(
    r"""^[ \t]*+(?:
        (?:async[ ]+)?def[ ]+\w+[ ]*\(.*
      | (?:elif|except)\b.*:
      | (?:try|else|finally)[ ]*:
      | (?:if|while|with|for)[ ]+[^({].*:[ \t]*(?:\#.*)?
      | class[ ]+\w+(?:\([\w., ]*\))?:
      | import[ ]+[a-zA-Z_][\w.]*(?:[ ]+as[ ]+\w+)?(?:,.*)?
      | from[ ]+[\w.]+[ ]+import[ ]+.*
      | print[ ]+[^=(].*
      | [^'"`/\n]*\blambda\b[\w, ]*:.*
      | [^'"`/\n]*(?<![\w$])[rbfRBF]{1,2}["'].*
      | [^'"`/\n]*\b(?:not[ ]in|is[ ]not|is[ ]None)\b.*
    )[ \t]*\r?$""",
    re.VERBOSE | re.MULTILINE,
)
_COMMANDS = (
    "apt apt-get awk bash brew bun cargo cat cd chmod chown cp curl deno docker echo find "
    "git go grep head jq kill ls make mkdir mv node npm npx pip pip3 pnpm ps psql pwd python "
    "python3 rm rsync scp sed sh ssh sudo tail tar touch wget which yarn zsh"
).split()
_COMMAND = re.compile(
    rf"[ \t]*(?:\$[ \t]+)?(?:(?:{'|'.join(_COMMANDS)})(?:[ \t]+(?:-{{0,2}}\w|[./~\"'$*])|[ \t]*$)"
    r"|export[ \t]+[A-Z_]+=)"
)
_RESERVED = frozenset(
    "await break case catch class const continue debugger default delete do else enum export "
    "extends false finally for function if import in instanceof new null return super switch "
    "this throw true try typeof var void while with yield let static implements interface "
    "package private protected public".split()
)
_WORD = re.compile(r"[A-Za-z]+(?![\w$])")
_FIRST_WORD = re.compile(r"[ \t]*+[A-Za-z]+(?![\w$.])")
_LAST_WORD = re.compile(r"(?<![\w$])[A-Za-z]+(?=[ \t]*\Z)")
_DECLARES = re.compile(r"(?:(?<![\w$.])(?:let|const|var|function|class)\s+|[{,]\s*)$")
_HASH = re.compile(r"[ \t]*+#(?=[ \t#]|[\r\n]|\Z)")
_STATEMENT = re.compile(r"(?:return|const|let|var|if|for|while|throw|try|switch)\b")
_ENDS = re.compile(r"(?:[\w$)\]}'\"`])[ \t]+$")
_TAG = re.compile(
    r"[\s\ufeff]*+(<(?:script|code|pre|javascript|typescript|tool_code|tool_call|execute)\b[^<>\n]*+>)"
)
_MOST: Final = 20_000
"""Characters in which a line is looked for that is not JavaScript."""


@dataclass(frozen=True, slots=True)
class _Refused:
    code: str
    index: int | None
    """Where the engine stopped."""


def foreign(code: str, index: int | None) -> Found:
    """What a text that the engine refused at ``index`` is instead of a program."""
    text = _Refused(code, index)
    return next(filter(None, (rule(text) for rule in _RULES)), None)


def _call(refused: _Refused) -> Found:
    text = refused.code.strip("\ufeff \t\r\n")
    if not text.startswith("{") or '"code"' not in text[:1000] or len(text) > 262_144:
        return None
    return (_words.CALL, refused.code.index("{")) if _has_code(_json(text)) else None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _has_code(value: Any) -> bool:
    """Whether it is a call: its arguments, or its name and they."""
    if not isinstance(value, dict):
        return False
    arguments = [value, *(value.get(name) for name in ("arguments", "input", "parameters"))]
    return any(isinstance(each, dict) and isinstance(each.get("code"), str) for each in arguments)


def _fence(refused: _Refused) -> Found:
    start = fence_start(refused.code)
    return None if start is None else (_words.FENCE, start)


def fence_start(code: str) -> int | None:
    """Where the first line is that begins with the marks of a fence, outside of comments."""
    for found in _FENCE.finditer(code[:_MOST]):
        before = code[: found.start()]
        if before.rfind("/*") <= before.rfind("*/"):
            return found.end() - 3
    return None


def _entity(refused: _Refused) -> Found:
    mark = _near(refused, "entity")
    return None if mark is None else (_words.ENTITY.format(entity=mark.text), mark.start)


def _escape(refused: _Refused) -> Found:
    mark = _near(refused, "escape")
    return None if mark is None else (_words.ESCAPE.format(escape=mark.text), mark.start)


def _character(refused: _Refused) -> Found:
    """The character itself, at which engines stop though they may not say so."""
    mark = _near(refused, "character", "quotes")
    if mark is None:
        return None
    char = mark.text[0]
    name = unicodedata.name(char, "").lower()
    shown = "" if char in INVISIBLE else f"`{char}` "
    told = f"{shown}(U+{ord(char):04X}{', ' + name if name else ''})"
    return _words.CHARACTER.format(character=told, instead=_instead(mark)), mark.start


def _instead(mark: Mark) -> str:
    char = mark.text[0]
    if mark.kind == "quotes" or char in SINGLE or "\u201c" <= char <= "\u201f":
        return "write \" or ' around text"
    if char in INVISIBLE:
        return "remove it"
    meant = REPLACEMENTS.get(char)
    return f"write `{meant}`" if meant else "write it only in texts and comments"


def _near(refused: _Refused, *kinds: str) -> Mark | None:
    """The mark at which the engine stopped, or the nearest before it on that line."""
    code, index = refused.code, refused.index
    if index is None or len(code) > _MOST * 6:
        return None
    line = max(code.rfind("\n", 0, index), code.rfind("\r", 0, index)) + 1
    found = [mark for mark in odd_marks(code) if mark.kind in kinds and mark.end > line]
    near = [mark for mark in found if mark.start <= index + 1]
    return near[-1] if near else None


def _python(refused: _Refused) -> Found:
    line = _line(refused)
    if line is None:
        return None
    found = _PYTHON.match(refused.code, line)
    return None if found is None else (_words.PYTHON, found.start() + _indent(found.group()))


def _shell(refused: _Refused) -> Found:
    line = _line(refused)
    if line is None:
        return None
    end = refused.code.find("\n", line)
    found = _COMMAND.match(refused.code, line, len(refused.code) if end < 0 else end)
    return None if found is None else (_words.SHELL, line + _indent(found.group()))


def _tongue(refused: _Refused) -> Found:
    """A language that has lines which JavaScript has not."""
    line = _line(refused)
    if line is None or len(refused.code) > _MOST:
        return None
    first = len(refused.code) - len(refused.code.lstrip())
    found = tongue(refused.code, line, refused.code.rfind("\n", 0, first) + 1)
    if found is None:
        return None
    name, index = found
    words = {SHELL: _words.SHELL, "a sentence": _words.SENTENCE, "HTML or XML": _words.MARKUP}
    return words.get(name) or _words.LANGUAGE.format(language=name), index


def _line(refused: _Refused) -> int | None:
    """Where the line starts in which the engine stopped, or the last one that has text."""
    code, index = refused.code, refused.index
    if index is None:
        return None
    at = min(index, len(code.rstrip()))
    return max(code.rfind("\n", 0, at), code.rfind("\r", 0, at)) + 1


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _comment(refused: _Refused) -> Found:
    line = _line(refused)
    if line is None or refused.index is None:
        return None
    found = _HASH.match(refused.code, line) or _HASH.match(refused.code, refused.index)
    return None if found is None else (_words.COMMENT, found.end() - 1)


def _misspelt(refused: _Refused) -> Found:
    """A word at which the engine stopped, or behind which, or that begins the line."""
    line = _line(refused)
    if line is None or refused.index is None:
        return None
    code, index = refused.code, refused.index
    before = _LAST_WORD.search(code, max(0, index - 40), index)
    near = before, _WORD.match(code, index), _FIRST_WORD.match(code, line)
    for word in filter(None, near):
        found = word.group().strip()
        meant = meant_by(found)
        is_name = (
            meant is not None and swapped(found) is None and _occurs_again(refused.code, found)
        )
        if meant is not None and not is_name:
            return _words.MISSPELT.format(word=found, meant=meant), word.end() - len(found)
    return None


def _occurs_again(code: str, word: str) -> bool:
    return len(re.findall(rf"(?<![\w$]){re.escape(word)}(?![\w$])", code)) > 1


def _reserved(refused: _Refused) -> Found:
    """A word of the language where a name is declared."""
    code = refused.code
    word = None if refused.index is None else _word_at(code, refused.index)
    if word is None or word.group() not in _RESERVED:
        return None
    index = word.start()
    before, after = code[max(0, index - 40) : index], code[word.end() :].lstrip()[:1]
    declares = _DECLARES.search(before)
    if declares is None or (
        declares.group().strip() in ("{", ",") and after not in ("=", ",", "}")
    ):
        return None
    return _words.RESERVED.format(word=word.group()), index


def _word_at(code: str, index: int) -> re.Match[str] | None:
    """The word that begins there, or else the one before: compilers stop at one or behind it."""
    before = _LAST_WORD.search(code, max(0, index - 40), index)
    return _WORD.match(code, index) or before


def _tag(refused: _Refused) -> Found:
    found = _TAG.match(refused.code)
    return None if found is None else (_words.TAG.format(tag=found[1]), found.start(1))


_RULES: Final[Sequence[Callable[[_Refused], Found]]] = (
    _call,
    _fence,
    _entity,
    _escape,
    _character,
    _python,
    _comment,
    _tag,
    _tongue,
    _shell,
    _reserved,
    _misspelt,
)


def second_statement(code: str, index: int) -> str | None:
    """What to say when a statement begins behind another one on its line."""
    word = _STATEMENT.match(code, index)
    if word is None or not _ENDS.search(code[max(0, index - 40) : index]):
        return None
    return _words.STATEMENT.format(word=word.group())


# --- of what compiled, ran and failed

_NOT_DEFINED = re.compile(r"([\w$]{1,40}) is not defined")
_PYTHON_NAMES: Final = {
    "print": "console.log(…)",
    "len": "`.length`, or `.size` of a Map or Set",
    "str": "String(…)",
    "int": "Math.trunc(Number(…))",
    "float": "Number(…)",
    "bool": "Boolean(…)",
    "dict": "an object, `{}`",
    "list": "an array, `[]`",
    "tuple": "an array, `[]`",
    "range": "a `for` loop, or Array.from({ length: n }, (_, i) => i)",
    "enumerate": "`.entries()`",
    "sorted": "`.toSorted(…)`",
    "sum": "`.reduce((a, b) => a + b, 0)`",
    "isinstance": "`instanceof` or `typeof`",
    "None": "null",
    "pass": "nothing, or an empty block, `{}`",
    "True": "true",
    "False": "false",
}
_ENTITY_NAMES: Final = frozenset({"lt", "gt", "amp", "quot", "apos", "nbsp"})
_EXPORTS: Final = frozenset({"module", "exports"})
_OWN_CALLS: Final = frozenset({"code_execute", "codeExecute", "execute_code", "executeCode"})


def explain(code: str, name: str, message: str, fields: Container[str] = ()) -> str:
    """The message of an error that was thrown, with what is wrong with the text that threw it;
    ``fields`` are those of its ``context``."""
    if len(code) > _MOST * 6:
        return message
    more = None
    missing = _NOT_DEFINED.fullmatch(message) if name == "ReferenceError" else None
    if missing is not None:
        found = missing[1]
        is_field = found in fields
        more = _words.FIELD.format(name=found) if is_field else _of_name(code, found)
    elif name == "TypeError" and message.endswith("is not a function"):
        more = None if fence_start(code) is None else _words.FENCE
    return f"{message}: {more}" if more else message


def _of_name(code: str, name: str) -> str | None:
    if name in _PYTHON_NAMES:
        return f"this is Python. In JavaScript write {_PYTHON_NAMES[name]}"
    if name in _ENTITY_NAMES and f"&{name};" in code:
        return _words.ENTITY.format(entity=f"&{name};")
    if name in _EXPORTS:
        return _words.EXPORT
    if name in _OWN_CALLS:
        return _words.OWN_CALL.format(name=name)
    meant = swapped(name)
    if meant is not None:
        return _words.MISSPELT.format(word=name, meant=meant)
    if language_named(name) and code.lstrip().partition("\n")[0].rstrip(" \t\r:") == name:
        return _words.NAMED
    start = fence_start(code)
    if start is not None and re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", code[:start]):
        return _words.FENCE  # words beside it, of which one is taken for a variable
    is_command = name in _COMMANDS and any(_COMMAND.match(line) for line in lines(code))
    return _words.SHELL if is_command else _of_line(code, name)


def _of_line(code: str, name: str) -> str | None:
    """A line of another language that begins with the name, and that the engine could read."""
    first = re.search(rf"^[ \t]*{re.escape(name)}(?![\w$])", code, re.MULTILINE)
    found = None if first is None else _tongue(_Refused(code, first.end()))
    return None if found is None else found[0]

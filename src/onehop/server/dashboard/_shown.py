"""Text of strangers as it may be shown: what would hide, turn or end it becomes visible; pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from markupsafe import Markup, escape

from onehop.types.shown.hidden import HIDDEN

LINE: Final = 4_000
"""Characters of one line that a page shows."""
TEXT: Final = 100_000
"""Characters of one text that a page shows."""
_CONTROLS: Final = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN "
    "EM SUB ESC FS GS RS US"
).split()
_BARE: Final = re.compile("[\t\n]")


def visible(text: Any) -> str:
    """Plain text with each hidden character by its number, as ``⟨U+202E⟩``, or by its name, as
    ``⟨ESC⟩``."""
    return HIDDEN.sub(lambda found: _mark(found[0]), str(text))


def plain(value: Any) -> Any:
    """What a template puts into a page that no filter has seen: text with nothing hidden in it."""
    return visible(value) if type(value) is str else value


def name(text: Any, most: int = 200) -> str:
    """The same on one line, and short."""
    found = visible(_BARE.sub(" ", str(text)[: most + 1]))
    return found if len(found) <= most else found[: most - 1] + "…"


def marked(text: Any, most: int = TEXT) -> Markup:
    """As HTML, in which each hidden character stands in an element that says what it is."""
    text = str(text)
    shown, rest = text[:most], len(text) - most
    parts, place = [], 0
    for found in HIDDEN.finditer(shown):
        parts.append(escape(shown[place : found.start()]))
        parts.append(_element(found[0]))
        place = found.end()
    parts.append(escape(shown[place:]))
    if rest > 0:
        parts.append(_more(rest))
    return Markup("").join(parts)


def lines(text: Any, most: int = TEXT) -> Markup:
    """The same, with each line bounded too."""
    rows = str(text)[:most].split("\n")
    body = Markup("\n").join(marked(row, LINE) for row in rows)
    rest = len(str(text)) - most
    return body + _more(rest) if rest > 0 else body


def _more(count: int) -> Markup:
    return Markup(' <span class="more">… {} more characters</span>').format(f"{count:,}")


def _element(character: str) -> Markup:
    return Markup('<span class="hidden" title="{}">{}</span>').format(
        _name(character), _mark(character)
    )


def _mark(character: str) -> str:
    if character < " ":
        return f"⟨{_CONTROLS[ord(character)]}⟩"
    return f"⟨U+{ord(character):04X}⟩"


def _name(character: str) -> str:
    number = f"U+{ord(character):04X}"
    return f"{number} {unicodedata.name(character, 'control character')}"

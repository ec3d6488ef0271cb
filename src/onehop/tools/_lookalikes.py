"""Names that a person reads as another name: letters of other alphabets look like Latin ones."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans(
    {
        other: latin
        for latin, others in {
            "a": "\u0430\u03b1\u0251", "b": "\u044c", "c": "\u0441\u03f2\u1d04", "d": "\u0501",
            "e": "\u0435\u0454\u212e", "g": "\u0261\u0581", "h": "\u04bb\u0570",
            "i": "\u0456\u03b9\u0131\u0269", "j": "\u0458", "k": "\u043a\u03ba\u1d0b",
            "l": "\u04cf\u01c0", "m": "\u043c\u1d0d", "n": "\u03b7\u0578",
            "o": "\u043e\u03bf\u0585\u1d0f",
            "p": "\u0440\u03c1", "q": "\u051b\u0566", "r": "\u0433", "s": "\u0455",
            "t": "\u0442\u03c4", "u": "\u03c5\u057d\u1d1c", "v": "\u03bd\u0475\u1d20",
            "w": "\u051d\u0461\u1d21",
            "x": "\u0445\u03c7", "y": "\u0443\u04af\u03b3", "z": "\u1d22",
        }.items()
        for other in others
    }
)  # fmt: skip
"""Of Cyrillic, Greek and Armenian, in small letters: those that look like one of ASCII."""
_ALPHABETS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")


def skeleton(name: str) -> str:
    """The same for names that look alike: in small letters, without accents."""
    parts = unicodedata.normalize("NFKD", name)
    plain = "".join(each for each in parts if not unicodedata.combining(each))
    return plain.lower().translate(_LETTERS)


def mixed_alphabets(name: str) -> list[str]:
    """The alphabets of the first word that has letters of several; nothing if there is not one."""
    for word in re.split(r"[\W_]+", unicodedata.normalize("NFKC", name)):
        kinds = {unicodedata.name(each, "").partition(" ")[0] for each in word}
        found = sorted(kinds.intersection(_ALPHABETS))
        if len(found) > 1:
            return [each.capitalize() for each in found]
    return []

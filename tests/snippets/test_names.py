"""Which names a snippet may have, and what is said about the others."""

from __future__ import annotations

from typing import Any

import pytest

from onehop.errors import InvalidRequestError
from onehop.sandbox.snippets import checked_name

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["weekly", "Weekly_2", "a", "x" * 64])
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("then", "JavaScript asks every object for this one"),
        ("constructor", "another name"),
        ("toJSON", "another name"),
        ("__proto__", "a letter, and then only letters"),
        ("__defineGetter__", "a letter"),
        ("a.b", "behind `snippets.`"),
        ("a b", "digits and _"),
        ("$search", "a letter"),
        ("../x", "a letter"),
        ("1st", "a letter"),
        ("\N{PILE OF POO}", "a letter"),
        ("w\N{CYRILLIC SMALL LETTER IE}ekly", "letters A to Z"),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}", "a letter"),
        ("weekly\n", "digits and _"),
        ("weekly\x00", "digits and _"),
        ("x" * 65, "at most 64 characters; it has 65"),
        ("", "a letter"),
        (None, "a letter"),
        (3, "a letter"),
    ],
)
def test_a_hostile_name_is_refused_with_words(name: Any, words: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        checked_name(name)
    assert refused.value.field == "name"
    assert words in refused.value.allowed
    assert str(refused.value).isascii()

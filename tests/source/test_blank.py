"""What a mask can do to a program, and that nothing else can be one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onehop.source import blank


@pytest.mark.parametrize(
    ("code", "mask", "expected"),
    [
        ("", b"", ""),
        ("let a: T", b"xxxxx   ", "let a   "),
        ("a as T\n(b)", b"xx;   xxx", None),
        ("a as T\n(b)", b"xx;   xxxx", "a ;   \n(b)"),
        ("é: 名 = 😀", b"x   xxxx", None),
        ("é: 名 = 😀", b"x   xxxxx", "é    = 😀"),
        ("é: 😀 = 1", b"x    xxxx", "é     = 1"),
        ("é: 😀 = 1", b"xxx xxxxx", None),
        ("a\nb", b"x x", None),
        ("a\u2028b", b"x x", None),
        ("ab", b"x=", None),
        ("ab", b"x\0", None),
    ],
)
def test_a_mask_keeps_or_blanks_each_character(
    code: str, mask: bytes, expected: str | None
) -> None:
    assert blank(code, mask) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.binary(max_size=40))
def test_bytes_that_are_no_mask_change_nothing(code: str, mask: bytes) -> None:
    result = blank(code, mask)
    assert result is None or len(result.encode("utf-16-le")) == len(code.encode("utf-16-le"))


@given(st.text("ab😀é\n", max_size=20), st.text("x ;()", max_size=24))
def test_all_that_a_mask_puts_is_a_blank_or_one_of_three_marks(code: str, mask: str) -> None:
    result = blank(code, mask.encode())
    if result is not None:
        result.encode()
        assert result.count("\n") == code.count("\n")
        assert set(result) <= set(code) | set(" ;()")

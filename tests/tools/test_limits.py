"""The limits of tool calls have the stated defaults, and a limit that cannot be is named."""

from __future__ import annotations

from typing import Any

import pytest

from onehop import ToolLimits

pytestmark = pytest.mark.unit


def test_the_defaults_are_as_stated() -> None:
    limits = ToolLimits()
    assert (limits.calls, limits.concurrent, limits.per_upstream) == (200, 64, 16)
    assert (limits.timeout, limits.wait) == (30_000, 60_000)
    assert (limits.result, limits.total, limits.arguments) == (4 << 20, 64 << 20, 1 << 20)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "5", None, True])
def test_a_limit_that_is_not_a_positive_integer_is_named(wrong: Any) -> None:
    with pytest.raises(ValueError, match="calls: got "):
        ToolLimits(calls=wrong)

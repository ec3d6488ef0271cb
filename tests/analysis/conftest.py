"""Here the process that parses code is the subject: it starts from nothing, and is never copied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onehop.analysis import _zygote_process

_START = _zygote_process._start
"""Before any fixture changes it."""


@pytest.fixture(scope="module", autouse=True)
def no_copy_parses_code() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_zygote_process, "_start", _START)
        yield

"""No bytes make a reader of hostile input fail otherwise than it promises.

Also replays what a longer search has found: the files of ``found/``.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.fuzz.varied import vary
from tests.sampling import examples

pytestmark = pytest.mark.unit

SEEDS = seeds()
FOUND = sorted((Path(__file__).parent / "found").glob("*/*"))
_SLOW = {"validator", "corrections", "preparation", "declared"}
"""Those that parse programs, or write some."""


@pytest.mark.parametrize("name", TARGETS)
def test_honest_input_is_read(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_refused_as_promised(name: str) -> None:
    @settings(max_examples=examples(100), deadline=None)
    @given(st.binary(max_size=200))
    @example(b"")
    def attempt(data: bytes) -> None:
        TARGETS[name](data)

    attempt()


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_nearly_honest_is_read_or_refused_as_promised(name: str) -> None:
    @settings(
        max_examples=examples(60 if name in _SLOW else 400),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.sampled_from(SEEDS[name]), st.randoms(use_true_random=False))
    def attempt(seed: bytes, dice: Random) -> None:
        TARGETS[name](vary(seed, SEEDS[name], dice))

    attempt()


def test_what_was_found_once_stays_mended() -> None:
    for path in FOUND:
        TARGETS[path.parent.name](path.read_bytes())

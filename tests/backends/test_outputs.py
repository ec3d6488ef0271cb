"""Large outputs are kept for their agents, and no agent's go for another's."""

from __future__ import annotations

import pytest

from onehop.backends.outputs import Outputs
from onehop.errors import OutputNotFoundError

pytestmark = pytest.mark.unit


def is_kept(outputs: Outputs, identifier: str) -> bool:
    try:
        outputs.read(identifier, 0, 1)
    except OutputNotFoundError:
        return False
    return True


def test_one_agents_many_outputs_do_not_push_out_anothers_few() -> None:
    outputs = Outputs(1000)
    few = [outputs.of("ada").keep("x" * 100, complete=True) for _ in range(3)]
    many = [outputs.of("bob").keep("y" * 100, complete=True) for _ in range(50)]
    assert all(is_kept(outputs, name) for name in few)
    assert [is_kept(outputs, name) for name in many] == [False] * 43 + [True] * 7


def test_agents_that_keep_as_much_share_the_room() -> None:
    outputs = Outputs(1000)
    names = {agent: list[str]() for agent in ("ada", "bob", "eve")}
    for _ in range(20):
        for agent, made in names.items():
            made.append(outputs.keep(agent, "x" * 100, complete=True))
    kept = {agent: sum(is_kept(outputs, n) for n in made) for agent, made in names.items()}
    assert sum(kept.values()) == 10
    assert min(kept.values()) >= 3


def test_one_that_is_too_large_pushes_out_nothing_of_others() -> None:
    outputs = Outputs(1000)
    small = outputs.keep("ada", "é" * 100, complete=True)
    assert not is_kept(outputs, outputs.keep("bob", "x" * 2000, complete=True))
    assert outputs.read(small, 90, 100).text == "é" * 10
    outputs.clear()
    with pytest.raises(OutputNotFoundError, match="dropped"):
        outputs.read(small, 0, 1)

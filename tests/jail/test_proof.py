"""A worker proves each layer by itself: one that is planned but not put on stops the worker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onehop import LayerUnavailableError, SandboxConfig, jail
from onehop.jail import _plan
from onehop.workers import WorkerFactory


@pytest.mark.sample(4)
@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "none"])
@pytest.mark.parametrize("layer", ["landlock", "seccomp", "rlimits", "threads"])
async def test_a_planned_layer_that_is_not_put_on_stops_the_worker(
    layer: str, namespaces: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = _plan.decide

    def forgetful(machine: jail.Features, *rest: Any) -> jail.Plan:
        without = replace(machine, namespaces="switched off for this test")
        plan = decide(machine if namespaces else without, *rest)
        kept = [step for step in plan.body["steps"] if step[0] != layer or step[4] == "refusal"]
        return replace(plan, body={**plan.body, "steps": kept})

    monkeypatch.setattr(jail, "decide", forgetful)
    factory = WorkerFactory((), SandboxConfig().limits(1000))
    try:
        with pytest.raises(LayerUnavailableError, match="succeeded inside the jail") as caught:
            await factory.start_worker()
        assert caught.value.layer == layer
    finally:
        await factory.aclose()

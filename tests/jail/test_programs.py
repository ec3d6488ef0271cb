"""The spawner has the first program from its plan, and the others once somebody wants them."""

from __future__ import annotations

import asyncio
import os
import select
import sys

import pytest

from onehop import jail
from onehop.workers import deno_programs
from tests.jail.attempts import ALLOWED_MISSING


@pytest.mark.skipif(sys.platform != "linux", reason="the spawner needs Linux")
async def test_a_program_that_the_plan_does_not_carry_starts_when_it_is_asked_for() -> None:
    true = os.path.realpath("/bin/true")
    # More text than a message on the control socket may have.
    programs = {"worker": [true], "other": [true, *["x" * 100_000] * 3]}
    plan = jail.decide(jail.examine(), ALLOWED_MISSING, programs, {})
    assert b"other" not in plan.to_json()
    launcher = jail.launcher(plan)
    await launcher.start()
    try:
        for _ in range(2):
            null = os.open(os.devnull, os.O_RDWR)
            child = await launcher.spawn("other", (null, null, null), 16)
            os.close(null)
            ended, _, _ = await asyncio.to_thread(select.select, [child.exit_fd], [], [], 10)
            os.close(child.exit_fd)
            assert ended
            await launcher.reap(child.id)
    finally:
        await launcher.aclose()


def test_programs_are_put_together_when_they_are_looked_at() -> None:
    programs = deno_programs()
    assert list(programs) == ["worker", "realms", "compiler", "checker"]
    assert len({command[0] for command in programs.values()}) == 1
    assert programs["worker"] is programs["worker"]

"""Tasks that others wrote end in the same state, whether or not their server is killed meanwhile.

python -m tests.chaos.tasks --kills 20 --out FILE

The tasks are AgentDojo's: each is played by its own reference calls, first by calling the functions
one after the other, then by one program at a server in which a person is asked about each write.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.chaos import dojo
from tests.chaos.load import is_lost
from tests.chaos.subject import Subject

_CODE: Final = """
    const answers = [];
    for (const [tool, given] of context.calls) {
        try {
            answers.push(await tools[context.suite][tool](given));
        } catch (error) {
            if (error.message !== "a person denied " + error.tool + ": it was made") throw error;
            answers.push("made");
        }
    }
    return answers.length;
"""
_CLIENTS: Final = 3
_PATIENCE: Final = 300.0
"""Seconds in which a task must end, without those in which the server starts."""
_PAUSE: Final = (1.0, 6.0)
"""Seconds between two kills."""


class _Slow(Subject):
    """A server that loads many tools."""

    patience = 300.0


@dataclass
class Task:
    """One task, and what it must leave behind."""

    name: str
    suite: str
    calls: list[tuple[str, dict[str, Any]]]
    wanted: str


@dataclass
class Found:
    """What came of them."""

    same: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    anew: int = 0
    """Programs that were cut off before they had written, and begun anew."""
    asked: int = 0
    """Writes that may have been made."""
    problems: list[str] = field(default_factory=list)


def tasks(folder: Path) -> list[Task]:
    """All of them, each with its world in ``folder``."""
    made = []
    for suite, each in dojo.suites().items():
        functions = {function.name: function for function in each.tools}
        for task in each.user_tasks.values():
            env = task.init_environment(each.load_and_inject_default_environment({}))
            name = f"{suite}-{task.ID}"
            dojo.World(folder, name).write(env, [])
            calls = [
                (call.function, dojo.plain(dict(call.args))) for call in task.ground_truth(env)
            ]
            for function, given in calls:
                dojo.run_in(env, functions[function], given)
            made.append(Task(name, suite, calls, _timeless(dojo.plain(env))))
    return made


def _timeless(state: Any) -> str:
    """The same whenever it was made: some functions write the present time."""
    text = json.dumps(state, sort_keys=True)
    today = datetime.now().strftime("%Y-%m-%dT")
    parts = text.split(today)
    return parts[0] + "".join("now" + part.partition('"')[2] for part in parts[1:])


def _differing(wanted: str, found: str) -> str:
    """Where two states part, and a little more."""
    pairs = zip(wanted, found, strict=False)
    place = next((n for n, (one, other) in enumerate(pairs) if one != other), len(wanted))
    around = slice(max(0, place - 80), place + 120)
    return f"{wanted[around]!r}, and now {found[around]!r}"


class Play:
    """Plays tasks at a server, which is killed ``kills`` times meanwhile."""

    def __init__(self, subject: Subject, worlds: Path, dice: random.Random) -> None:
        self._subject = subject
        self._worlds = worlds
        self._dice = dice
        self._over = False
        self._down = 0.0
        """Seconds in which the server was killed and started."""
        self.found = Found()

    async def run(self, todo: list[Task], kills: int) -> Found:
        """All of ``todo``."""
        key = await self._subject.agent_key("load")
        approver = await self._subject.role_key("ann", "approver")
        left = [*todo]
        killing = asyncio.create_task(self._kill(kills))
        deciding = asyncio.create_task(self._decide(approver))
        await asyncio.gather(*(self._client(key, left) for _ in range(_CLIENTS)))
        killing.cancel()
        await asyncio.wait([killing])
        self._over = True
        await deciding
        return self.found

    async def _client(self, key: str, left: list[Task]) -> None:
        while left:
            task = left.pop()
            self.found.tasks[task.suite] += 1
            if await self._played(key, task):
                env, _applied = dojo.World(self._worlds, task.name).read()
                left_behind = _timeless(dojo.plain(env))
                if left_behind == task.wanted:
                    self.found.same[task.suite] += 1
                else:
                    words = _differing(task.wanted, left_behind)
                    self.found.problems.append(f"{task.name} has left another state: {words}")

    async def _played(self, key: str, task: Task) -> bool:
        """Until it has ended; begun anew under another name if it was cut off unwritten."""
        attempt, began, down = 1, time.monotonic(), self._down
        body = {"code": _CODE, "context": {"calls": task.calls, "suite": task.suite}}
        while time.monotonic() - began < _PATIENCE + self._down - down:
            answer = await self._asked(key, f"{task.name}#{attempt}", {**body, "timeout": 30_000})
            if answer.get("status") == "completed":
                return True
            if answer.get("status") == "failed" or answer.get("lost"):
                if dojo.World(self._worlds, task.name).read()[1]:
                    words = f"{task.name} has failed after it had written: {answer.get('error')}"
                    self.found.problems.append(words)
                    return False
                attempt, self.found.anew = attempt + 1, self.found.anew + 1
            await asyncio.sleep(0.2)
        self.found.problems.append(f"{task.name} was never answered")
        return False

    async def _asked(self, key: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}", "X-Request-Id": name}
        url = f"{self._subject.url}/api/v1/execute"
        with suppress(httpx2.TransportError):
            async with httpx2.AsyncClient(timeout=60, headers=headers) as client:
                answer = await client.post(url, json=body)
            if answer.status_code == 200:
                return dict(answer.json())
            return {"lost": is_lost(answer)}
        return {}

    async def _kill(self, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(self._dice.uniform(*_PAUSE))
            self.found.kills += 1
            began = time.monotonic()
            await asyncio.to_thread(self._subject.kill)
            await asyncio.to_thread(self._subject.start)
            self._down += time.monotonic() - began

    async def _decide(self, key: str) -> None:
        """Say yes to each write; one that may have been made is looked up in its world."""
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=10) as client:
            while not self._over:
                await asyncio.sleep(0.1)
                url = f"{self._subject.url}/api/v1/approvals"
                with suppress(httpx2.TransportError):
                    for each in (await client.get(url)).json().get("approvals", []):
                        decisions = {each["callId"]: self._decision(each)}
                        await client.post(
                            url, json={"runId": each["runId"], "decisions": decisions}
                        )

    def _decision(self, asked: dict[str, Any]) -> dict[str, str]:
        if "_again_" in asked["callId"]:
            self.found.asked += 1
            tool = asked["tool"].rpartition(".")[2]
            _env, applied = dojo.World(self._worlds, asked["requestId"]).read()
            if applied and applied[-1] == dojo.call_of(tool, asked["arguments"]):
                return {"action": "reject", "reason": "it was made"}
        return {"action": "approve"}


def _hash_alike() -> None:
    """Begin anew with the seed of hashes that the server inherits: some functions make a list of a
    set, whose order is else another one in each process."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.chaos.tasks", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})


def main() -> int:
    """Play all, say what came of it, and exit with 1 when a state differs."""
    _hash_alike()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.tasks")
    parser.add_argument("--kills", type=int, default=20, help="of the server, at random moments")
    parser.add_argument("--every", type=int, default=1, help="play each so-manieth task")
    parser.add_argument("--seed", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onehop-tasks-") as text:
        folder, worlds = Path(text), Path(text, "worlds")
        worlds.mkdir()
        todo = tasks(worlds)[:: options.every]
        settings: Any = {
            "CHAOS_WORLDS": str(worlds),
            "ONEHOP_TOOLS_RULES": "ask * effect write",
            "ONEHOP_TOOLS_ASK": "",
            "ONEHOP_TOOLS_HOLD": "1000",
        }
        source = Path(dojo.__file__).read_text()
        with _Slow(folder, source=source, **settings) as subject:
            play = Play(subject, worlds, random.Random(options.seed))
            found = asyncio.run(play.run(todo, options.kills))
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}: {found}")
    return 1 if found.problems or not found.tasks else 0


if __name__ == "__main__":
    sys.exit(main())

"""``kill -9`` at random points of runs that write, ask people and call tools at the same time.

Most kills wait for a write that was sent and not answered; see ``Aim``. A run that a person was
asked about first goes on afterwards, so that such a write must be told as ``unknown``. An approver
decides whatever waits: at once, or so late that the run was paused and is made again. Each run has
a request id; whoever gets no answer asks again with the same one, as a client does.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx2

from onehop.audit import verify
from onehop.config import AuditConfig
from onehop.errors import StoreUnavailableError
from onehop.records import ExecutionRecord
from onehop.stores import open_store
from onehop.stores.base import Store
from tests.chaos.aim import TARGETS, Aim
from tests.chaos.bank import Customer
from tests.chaos.load import RETURN, is_lost, passes
from tests.waiting import soon

CODE: Final = """
    const write = async (tool, name) => {
        try {
            return await tool({ key: `${context.key}/${name}` });
        } catch (error) {
            if (error.message !== "a person denied " + error.tool + ": it was made") throw error;
        }
    };
    if (context.asks === "first" || context.asks === "both") await write(tools.transfer, "d");
    const all = await Promise.all([
        write(tools.bank.pay, "a"), tools.times({ n: 1 }), write(tools.bank.pay, "b"),
    ]);
    await write(tools.note, "c");
    if (context.asks === "last" || context.asks === "both") await write(tools.transfer, "e");
    return all.length;
"""
_ASKS: Final = ("last", "first", "both", "")
"""When a run waits for a person."""
_LATEST: Final = 2.0
"""Seconds for which an approver thinks at most."""
_CLIENTS: Final = 4
_PATIENCE: Final = 300.0
"""Seconds in which each run must be answered, however often its workers are killed; those in which
a server starts do not count, which a busy machine makes long."""
_ON_ITS_WAY: Final = {"paused", "running"}
"""Whoever is told so asks again."""
_REFUSED: Final = {"429", "503"}
_NOTHING: Final = "kept [], record False"
"""What the store says of a run that never began."""
_ENDS: Final = {"completed", "failed"}
TRUE_STATES: Final = "completed, or failed and marked as cut off"


@dataclass
class Found:
    """What the campaign has met."""

    kills: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    """Of these, those that met a write between its sending and its answer."""
    moments: Counter[str] = field(default_factory=Counter)
    """What the kills had waited for, and met."""
    met: Counter[str] = field(default_factory=Counter)
    """How far such writes had come: they had arrived, or taken effect."""
    refused: int = 0
    """Calls that were refused until their client gave up, and that began nowhere."""
    runs: int = 0
    completed: int = 0
    interrupted: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """The others, by the name of their error."""
    writes: int = 0
    """Lines of the ledger"""
    unknown: int = 0
    """Writes that may have been made, so that a person was asked."""
    unnamed: int = 0
    """Writes that were done, and that a run's record names neither as done nor as unknown: it says
    only that the run was cut off."""
    problems: list[str] = field(default_factory=list)


class Campaign:
    """Kills servers, spawners and workers, one at a time."""

    def __init__(
        self, servers: list[Customer], dice: random.Random, *, seconds: float = float("inf")
    ) -> None:
        """No kill is begun after so many ``seconds``."""
        self._seconds = seconds
        self._servers = servers
        self._dice = dice
        self._answers: dict[str, dict[str, Any]] = {}
        self._lost: set[str] = set()
        """Of which a server has said, and kept saying, that their run is lost."""
        self._numbers = count()
        self._ending = self._over = False
        self._said = 0
        self._aim = Aim(servers, dice)
        self._asked_again: set[tuple[str, str, str]] = set()
        """The questions about writes that may have been made, with their keys."""
        self._due: dict[tuple[str, str], float] = {}
        """When the approver decides about a call of a run."""
        self.found = Found()
        self.found.kills = self._aim.kills
        self.found.under_way, self.found.met = self._aim.under_way, self._aim.met
        self.found.moments = self._aim.moments

    async def run(self, times: int, *, each: int = 0) -> Found:
        """Kill so many ``times``, or more until ``each`` kind of thing has met so many writes; let
        everything end, and judge."""
        key = await self._servers[0].agent_key("load")
        approver = await self._servers[0].role_key("ann", "approver")
        clients = [asyncio.create_task(self._client(key)) for _ in range(_CLIENTS)]
        deciding = asyncio.create_task(self._decide(approver))
        last = time.monotonic() + self._seconds
        while self._aim.kills.total() < times or self._aim.lacks(each):
            if time.monotonic() > last:
                break
            await self._aim.kill(self._aim.lacks(each) or [*TARGETS])
            self._say_how_far()
        self._ending = True
        ends = await asyncio.gather(*clients, return_exceptions=True)
        await self._ask(key, "k-last", asks="last")  # nothing hinders this one
        self._over = True
        ends += await asyncio.gather(deciding, return_exceptions=True)
        self.found.problems += [f"a client failed: {e!r}" for e in ends if isinstance(e, Exception)]
        await self._judge()
        return self.found

    def _say_how_far(self) -> None:
        lines = self._servers[0].ledger.read_text().count("\n")
        ended = f"{len(self._answers)} runs, {lines} writes, {len(self.found.problems)} problems"
        kills, met = self.found.kills, self.found.under_way
        parts = ", ".join(f"{target} {met[target]} of {kills[target]}" for target in TARGETS)
        print(f"kills under way: {parts}: {ended}", flush=True)
        for problem in self.found.problems[self._said :]:
            print(f"PROBLEM {problem}", flush=True)
        self._said = len(self.found.problems)

    # --- who calls, and who decides ---

    async def _client(self, key: str) -> None:
        while not self._ending:
            number = next(self._numbers)
            await self._ask(key, f"k-{number}", asks=_ASKS[number % len(_ASKS)])

    async def _ask(self, key: str, name: str, *, asks: str) -> None:
        body = {"code": CODE, "context": {"key": name, "asks": asks}, "timeout": 30_000}
        headers = {"Authorization": f"Bearer {key}", "X-Request-Id": name}
        began, down = time.monotonic(), self._aim.down
        said = Said()
        while time.monotonic() - began < _PATIENCE + self._aim.down - down:
            url = self._dice.choice(self._servers).url
            try:
                async with httpx2.AsyncClient(timeout=_PATIENCE) as client:
                    answer = await client.post(f"{url}/api/v1/execute", json=body, headers=headers)
            except httpx2.TransportError as error:
                said.hear(type(error).__name__, time.monotonic() - began)
                await asyncio.sleep(0.1)
                continue
            said.hear(_in_short(answer), time.monotonic() - began)
            if answer.status_code == 200 and answer.json()["status"] not in _ON_ITS_WAY:
                self._answers[name] = answer.json()
                return
            if is_lost(answer) and time.monotonic() - began > RETURN:
                self._lost.add(name)
                return
            if answer.status_code != 200 and not passes(answer):
                words = f"{name}: {answer.status_code} {answer.text[:200]} {self._logged(name)}"
                self.found.problems.append(words)
            await asyncio.sleep(0.1)
        kept = await self._kept(name)
        if kept == _NOTHING and said.last in _REFUSED and not self._has_sent(name):
            self.found.refused += 1
            return
        words = f"{name} was never answered: {said}; {kept}; {self._logged(name)}"
        self.found.problems.append(words)

    async def _opened(self) -> Store:
        """The servers' store; one that is busy is asked again."""

        async def once() -> Store | None:
            try:
                return await open_store(AuditConfig(store=self._servers[0].store))
            except StoreUnavailableError:
                return None

        found: Store = await soon(once, "the store")
        return found

    def _has_sent(self, name: str) -> bool:
        """Whether a bank or the ledger has heard of this run."""
        known = {*self._servers[0].ledger.read_text().split()}.union(
            *(server.moves.arrivals() for server in self._servers)
        )
        return any(key.startswith(f"{name}/") for key in known)

    async def _kept(self, name: str) -> str:
        """What the store knows of a run, and of what people are asked about it."""
        store = await self._opened()
        try:
            parts = []
            for run in await store.kept_runs(request_id=name):
                asked = await store.approvals(run_id=run.run_id)
                told = [(each.call_id, each.status) for each in asked]
                left = run.lease_until - time.time_ns() // 1_000_000
                parts.append(f"{run.phase} {run.fence} wake {run.wake} lease {left} ms {told}")
            record = await store.get(name)
            return f"kept {parts}, record {record is not None}"
        finally:
            await store.aclose()

    def _logged(self, name: str) -> str:
        """What the servers have logged of a request, the last lines."""
        lines = [str(line) for server in self._servers for line in (*server.past, *server.log)]
        return " ".join(line[-1500:] for line in lines if name in line)[-3000:]

    async def _decide(self, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=10) as client:
            while not self._over:
                await asyncio.sleep(0.1)
                url = f"{self._dice.choice(self._servers).url}/api/v1/approvals"
                try:
                    waiting = (await client.get(url)).json().get("approvals", [])
                    self._note_waiting(waiting)
                    for each in waiting:
                        if self._is_under_way(each) or not self._is_due(each):
                            continue
                        decisions = {each["callId"]: self._decision(each)}
                        body = {"runId": each["runId"], "decisions": decisions}
                        await client.post(url, json=body)
                except httpx2.TransportError:
                    continue

    def _note_waiting(self, waiting: list[dict[str, Any]]) -> None:
        """Which runs wait that have gone on after an earlier decision."""
        decided = {run for run, _call in self._due}
        new = {
            each["runId"] for each in waiting if (each["runId"], each["callId"]) not in self._due
        }
        still = {each["runId"] for each in waiting} & self._aim.asked_again
        self._aim.asked_again.clear()
        self._aim.asked_again.update(still | (decided & new))

    def _is_due(self, asked: dict[str, Any]) -> bool:
        """Whether the approver has thought for long enough: half of the time not at all."""
        thought = self._dice.choice((0.0, self._dice.uniform(0, _LATEST)))
        call = (asked["runId"], asked["callId"])
        return time.monotonic() >= self._due.setdefault(call, time.monotonic() + thought)

    def _is_under_way(self, asked: dict[str, Any]) -> bool:
        """Whether the bank has not answered it yet: a person waits until it has."""
        return any(
            asked["arguments"]["key"] in server.moves.under_way() for server in self._servers
        )

    def _decision(self, asked: dict[str, Any]) -> dict[str, str]:
        """What a person does who is asked: one who hears that a write may have been made already
        looks whether it was."""
        key = asked["arguments"]["key"]
        if "_again_" not in asked["callId"]:
            return {"action": "approve"}
        self._asked_again.add((asked["runId"], asked["callId"], key))
        if key in self._servers[0].ledger.read_text().split():
            return {"action": "reject", "reason": "it was made"}
        return {"action": "approve"}

    # --- what is left ---

    async def _judge(self) -> None:
        store = await self._opened()
        try:
            records = await _settled(store, set(self._answers))
            problems = (await verify(store)).problems
        finally:
            await store.aclose()
        found = self.found
        found.runs = len(self._answers)
        found.problems += [f"the chain is broken: {problem}" for problem in problems]
        lines = Counter(self._servers[0].ledger.read_text().split())
        found.writes = lines.total()
        found.problems += [f"{key} was made {n} times" for key, n in lines.items() if n > 1]
        found.unknown = len(self._asked_again)
        found.problems += self._sent_by_itself()
        silent = {key for key in lines if key.partition("/")[0] in self._lost - records.keys()}
        found.problems += [f"{key} was sent, and its run is lost" for key in sorted(silent)]
        for name, answer in self._answers.items():
            self._judge_one(name, answer, records.get(name, []), lines)

    def _sent_by_itself(self) -> list[str]:
        """The writes that came to a bank once more than people were asked about them."""
        arrivals = sum((server.moves.arrivals() for server in self._servers), Counter[str]())
        asked = Counter(key for _run, _call, key in self._asked_again)
        return [f"{k} was sent {n} times" for k, n in arrivals.items() if n > 1 + asked[k]]

    def _judge_one(
        self,
        name: str,
        answer: dict[str, Any],
        records: list[ExecutionRecord],
        lines: Counter[str],
    ) -> None:
        found = self.found
        if len(records) != 1:
            found.problems.append(f"{name} has {len(records)} records")
            return
        [record] = records
        if answer["status"] not in _ENDS or record.success != answer["success"]:
            found.problems.append(f"{name} is not {TRUE_STATES}: {answer}")
        mine = {key for key in lines if key.startswith(f"{name}/")}
        if answer["success"]:
            found.completed += 1
            wanted = {f"{name}/{each}" for each in "abc"}
            if not wanted <= mine:
                found.problems.append(f"{name} succeeded, and has lost {wanted - mine}")
        interrupted = record.details.get("interrupted") is True
        found.interrupted += interrupted
        if not answer["success"] and not interrupted:
            found.failed[str((answer.get("errorInfo") or {}).get("name"))] += 1
        calls = record.details.get("toolCalls") or []
        told = sum(
            call["effect"] != "read" and call["outcome"] in ("ok", "unknown", "cancelled")
            for call in calls
        )
        if told < len(mine) and not interrupted:
            found.problems.append(f"{name} wrote {sorted(mine)}, and names only {told} writes")
        found.unnamed += max(0, len(mine) - told)


class Said:
    """What a client was answered, the same in a row as one, with the seconds of the first."""

    def __init__(self) -> None:
        self._words: list[tuple[str, float, int]] = []

    def hear(self, word: str, seconds: float) -> None:
        last, since, times = self._words[-1] if self._words else ("", seconds, 0)
        if last == word:
            self._words[-1] = (last, since, times + 1)
        else:
            self._words.append((word, seconds, 1))

    @property
    def last(self) -> str:
        """The latest of them."""
        return self._words[-1][0] if self._words else ""

    def __str__(self) -> str:
        return ", ".join(f"{word} x{n} from {since:.1f} s" for word, since, n in self._words)


def _in_short(answer: httpx2.Response) -> str:
    return str(answer.json()["status"] if answer.status_code == 200 else answer.status_code)


async def _settled(store: Any, wanted: set[str]) -> dict[str, list[ExecutionRecord]]:
    """All records of these runs, once there are all or half a minute has passed."""
    deadline = time.monotonic() + 30
    while True:
        found: dict[str, list[ExecutionRecord]] = {}
        last = 0
        while page := await store.chain(last, 1000):
            last = page[-1].sequence or 0
            for record in page:
                found.setdefault(record.request_id, []).append(record)
        if wanted <= found.keys() or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)

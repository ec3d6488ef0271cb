"""The picture that ``onehop top`` draws of a server; pure. Names in it may be an attacker's."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from onehop.cli._plots import bar
from onehop.cli._table import clean
from onehop.events import Event, ExecutionCompleted, ExecutionFailed
from onehop.runs.states import JournalState, PoolState, RunState, ServerState, UpstreamState

if TYPE_CHECKING:
    from rich.console import RenderableType

_WINDOW: Final = 60.0
"""Seconds that the numbers of agents are about."""
_MOST: Final = 20_000
"""Runs that are kept for them."""
_ROWS: Final = 15
"""Of each table."""
_LONGEST: Final = 60
"""Characters of a name."""
_SECOND: Final = 1000


class Recent:
    """The runs that ended in the last minute."""

    def __init__(self) -> None:
        self._ended: deque[tuple[float, str, float, str | None]] = deque(maxlen=_MOST)

    def take(self, event: Event) -> None:
        """A run has ended."""
        if isinstance(event, ExecutionCompleted | ExecutionFailed):
            fault = event.error_type if isinstance(event, ExecutionFailed) else None
            one = (time.monotonic(), event.agent_id, event.execution_time, fault)
            self._ended.append(one)

    def by_agent(self) -> dict[str, list[tuple[float, str | None]]]:
        """Times in ms and faults of the runs of each agent."""
        since = time.monotonic() - _WINDOW
        while self._ended and self._ended[0][0] < since:
            self._ended.popleft()
        found: dict[str, list[tuple[float, str | None]]] = defaultdict(list)
        for _, agent, spent, fault in self._ended:
            found[agent].append((spent, fault))
        return found


def view(state: ServerState, recent: Recent, *, width: int, trouble: str = "") -> RenderableType:
    """All of it, for a terminal of this width."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(_head(state), style="bold")]
    if trouble:
        parts.append(Text(clean(trouble), style="bold red"))
    if state.pool is not None:
        parts.append(Text(_pool(state.pool, width)))
    if state.journal is not None:
        parts.append(Text(_journal(state.journal), style=_alarm(state.journal)))
    parts.append(_agents(state.runs, recent))
    parts.append(_runs(state))
    if state.upstreams:
        parts.append(_upstreams(state.upstreams))
    return Group(*parts)


def _head(state: ServerState) -> str:
    return (
        f"onehop {clean(state.version)}   up {_duration(state.uptime)}   "
        f"{len(state.runs) + state.more_runs} runs in flight{_waits(state)}   q ends, p pauses"
    )


def _waits(state: ServerState) -> str:
    return f", {state.approvals} calls wait for a person" if state.approvals else ""


def _pool(pool: PoolState, width: int) -> str:
    working = pool.running - pool.resting
    drawn = bar([(working, "#"), (pool.resting, "~"), (pool.idle, "-")], 0, min(width // 3, 40))
    told = (
        f"workers [{drawn}] {working} at work (of {pool.max_concurrency}), "
        f"{pool.resting} wait for tools, {pool.idle} idle, {pool.starting} starting"
    )
    queue = f"queue   {pool.waiting} of {pool.max_queue}"
    if pool.realms:
        queue += f"   {pool.realms} processes of realms"
    faults = f"started {pool.started}, failed {pool.failed}, lost {pool.lost}"
    return f"{told}\n{queue}   {faults}"


def _journal(journal: JournalState) -> str:
    entries = "unreadable" if journal.entries is None else f"{journal.entries} records"
    store = "the database is AWAY" if journal.store_away else "the database takes records"
    aside = f", {journal.set_aside} set aside" if journal.set_aside else ""
    return f"journal {entries}, {journal.bytes / 2**20:.1f} MB{aside}; {store}"


def _alarm(journal: JournalState) -> str:
    return "bold red" if journal.store_away or journal.set_aside else ""


def _agents(runs: Sequence[RunState], recent: Recent) -> RenderableType:
    ended = recent.by_agent()
    flying: dict[str, int] = defaultdict(int)
    for run in runs:
        flying[run.agent_id] += 1
    names = sorted({*ended, *flying}, key=lambda name: (-flying[name], -len(ended.get(name, ()))))
    rows = [_agent_row(name, flying[name], ended.get(name, [])) for name in names[:_ROWS]]
    heads = ("agent", "in flight", "runs/min", "failed", "p95 ms", "last fault")
    return _table("Agents, last minute", heads, rows, len(names))


def _agent_row(name: str, flying: int, ended: list[tuple[float, str | None]]) -> tuple[Any, ...]:
    faults = [fault for _, fault in ended if fault is not None]
    times = sorted(spent for spent, _ in ended)
    p95 = f"{times[min(len(times) - 1, int(len(times) * 0.95))]:.1f}" if times else ""
    return (_name(name), flying, len(ended), len(faults), p95, faults[-1] if faults else "")


def _runs(state: ServerState) -> RenderableType:
    rows = [
        (
            f"{max(state.now - run.began, 0) / _SECOND:.1f} s",
            run.step,
            _name(run.agent_id),
            run.request_id,
            run.language,
            run.description or "",
        )
        for run in state.runs[:_ROWS]
    ]
    heads = ("for", "step", "agent", "request", "language", "description")
    return _table("Runs in flight, oldest first", heads, rows, len(state.runs) + state.more_runs)


def _upstreams(upstreams: Sequence[UpstreamState]) -> RenderableType:
    rows = [
        ("up" if each.up else "DOWN", each.namespace, each.tools, each.reason or "")
        for each in upstreams[:_ROWS]
    ]
    return _table("Servers of tools", ("state", "name", "tools", "reason"), rows, len(upstreams))


def _table(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], count: int
) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    more = f" ({count - len(rows)} more)" if count > len(rows) else ""
    if not rows:
        return Text(f"\n{title}: none", style="bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(Text(head, style="dim"), no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(clean(cell)[:_LONGEST]) for cell in row))
    return Group(Text(f"\n{title}{more}", style="bold"), table)


def _name(agent_id: str) -> str:
    return agent_id or "(no name)"


def _duration(ms: int) -> str:
    minutes, seconds = divmod(ms // _SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (
        f"{days} d {hours:02}:{minutes:02}:{seconds:02}"
        if days
        else f"{hours:02}:{minutes:02}:{seconds:02}"
    )

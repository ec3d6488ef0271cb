"""A store keeps what happened: append once, read, prune; and answers the contract's questions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:  # most of it only statistics and people need
    from onehop.answers import (
        AgentCount,
        AgentStats,
        CodeLengthBucket,
        Failure,
        FailureCause,
        PauseStats,
        RepeatedCode,
        ResourceUse,
        SecurityCount,
        TimelinePoint,
        ToolStats,
        TrendPoint,
    )
    from onehop.events import Event
    from onehop.records import ExecutionRecord
    from onehop.runs.decisions import Approval, ApprovalStatus
    from onehop.runs.kept import KeptRun, RunChange, RunPhase
    from onehop.runs.saved import Snippet
    from onehop.stores.tally import Slice
    from onehop.tools.observed import ObservedType
    from onehop.types import ErrorType, Language

Role = Literal["agent", "viewer", "approver", "admin"]

RETENTION_SECONDS: Final = 2_592_000
"""30 days."""
MOST_OBSERVED: Final = 2000
"""Observed types that are read at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is delivered together: the end of one run, with all that was announced about it."""

    record: ExecutionRecord | None
    """None for a call that was given up before it ran: only its events remain."""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which records, newest first (by executed_at, then sequence). None does not filter."""

    agent_id: str | None = None
    channel_id: str | None = None
    language: Language | None = None
    success: bool | None = None
    code_hash: str | None = None
    error_type: ErrorType | None = None
    """Failed by this cause."""
    tool: str | None = None
    """Called this tool, by its path, at least once."""
    since: int | None = None
    """Executed at this time or later, ms since the epoch."""
    until: int | None = None
    """Executed before this time, ms since the epoch."""
    limit: int = 50
    offset: int = 0
    brief: bool = False
    """Without output, logs and context, which may be long."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event and its place in the order in which the store took events."""

    sequence: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events, in order. None does not filter."""

    after: int = 0
    """Only events whose sequence is greater."""
    request_id: str | None = None
    agent_id: str | None = None
    channel_id: str | None = None
    event_types: frozenset[str] | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where the chain of records ends, as the store noted it when it last appended."""

    sequence: int
    """0 for an empty chain."""
    hash: str


@dataclass(frozen=True, slots=True)
class ChainAnchor:
    """A place of the chain that outlives its record, so that a pruned record differs from a stolen
    one."""

    sequence: int
    hash: str
    executed_at: int
    """When the newest of the records ran that it stands for, in ms since the epoch."""
    times: tuple[int, ...] = ()
    """``executed_at`` of each of the last records up to this one, from stores whose database
    expires each by itself."""
    noted_at: int | None = None
    """When it was noted, in ms since the epoch, by stores that prune."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLimits:
    """What an agent may ask for; None is as the server's settings have it."""

    max_runs: int | None = None
    """Runs at the same time."""
    max_rate: int | None = None
    """Runs in a minute."""
    max_body: int | None = None
    """Bytes of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """An agent and what its key is known by; the key itself is not kept."""

    agent_id: str
    role: Role
    key_id: str
    key_hash: str = field(repr=False)
    """SHA-256, in hex, of the key's secret part."""
    max_runs: int | None = None
    """Runs at the same time; None here and below: as the server's settings have it."""
    max_rate: int | None = None
    """Runs in a minute."""
    max_body: int | None = None
    """Bytes of one request."""
    rules: str | None = None
    """JSON text of its rules for calls of tools, as ``tools.read_rules`` takes them; None has
    none."""
    created_at: int
    """ms since the epoch, like the others."""
    rotated_at: int | None = None
    revoked_at: int | None = None

    @property
    def limits(self) -> AgentLimits:
        """What it may ask for."""
        return AgentLimits(max_runs=self.max_runs, max_rate=self.max_rate, max_body=self.max_body)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNote:
    """What is known of an agent's session, whether it runs or not."""

    agent_id: str
    session: str
    names: tuple[str, ...] = ()
    """What its calls have declared."""
    created_at: int
    """ms since the epoch, like the other."""
    used_at: int


@dataclass(frozen=True, slots=True)
class Lease:
    """What one holder may do alone, until the lease expires."""

    name: str
    holder: str
    token: int
    """Greater with each new holder: what is written with a smaller one than was seen is too late.
    """
    lapsed: bool = False
    """Whether an earlier lease of this name expired, instead of being dropped: its holder died, or
    was too slow to keep it."""


@dataclass(frozen=True, slots=True)
class ServerNote:
    """What one server tells the others that share the store."""

    server: str
    text: str
    age: int
    """ms since it was written."""


DROPPED_AT_ONCE: Final = 500
"""Sessions that go because of one note; after the setting was made smaller, more may be due."""
NOTE_LIFE: Final = 60_000
"""ms after which nobody is given a note any more."""


class Store(Protocol):
    """Where records and events are kept. ``open`` before use.

    Every method may raise StoreUnavailableError when the database does not answer.
    """

    @property
    def url(self) -> str:
        """What it is and where, with a password masked; the journal that belongs to it is found
        by this."""

    async def open(self) -> None:
        """Connect, and bring the schema up to date."""

    async def aclose(self) -> None:
        """Let go of every connection."""

    async def ping(self) -> None:
        """Ask the database for an answer."""

    async def time(self) -> int:
        """The time by the database's own clock, in ms since the epoch. Whose a run is, and when a
        question expires, is decided by it, so that servers whose clocks differ agree. SQLite and
        memory have this machine's."""

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        """Take all entries in order, or none of them, each once.

        A record whose run_id, or an event whose event_id, is there already is left as it is; a
        record without a run_id is known by its agent and request_id. New records are chained to
        the head. One whose agent has a run of this request_id already is kept as ``repeat_of``
        that, with a warning; these are given back. Where the database knows no transactions, and
        stops to answer, a first part may be taken; giving all of them again completes it.

        Raises RecordRejectedError, and takes nothing, for one that no store can keep.
        """

    async def get(self, request_id: str, agent_id: str | None = None) -> ExecutionRecord | None:
        """The record of the first run of this request id that was not given up, or else of the
        first; of any agent for None, the oldest."""

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """Records, newest first."""

    async def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events in the order they were taken."""

    async def last_event(self) -> int:
        """The sequence of the event that was taken last; 0 when none was, or all have expired."""

    async def prune(self, now: int) -> int:
        """Drop records and events executed RETENTION_SECONDS before ``now`` (ms).

        Records go in the order of the chain, up to the first that is not expired, and leave an
        anchor. Gives the number of records that went; a store whose database expires them itself
        gives 0. Of runs that can be made again, those go that have ended and whose time is over.
        Decisions go as records do, but never those about a run that waits for people.
        Old rollups go in ``roll_up``. Sessions go, with what they keep, that nobody has
        used for as long, observed types too, and leases that expired a day ago.
        """

    # -- the chain

    async def head(self) -> ChainHead:
        """Where the chain ends."""

    async def chain(self, after: int, limit: int) -> list[ExecutionRecord]:
        """Records by sequence, ascending, those after sequence ``after``."""

    async def anchors(self) -> list[ChainAnchor]:
        """Noted places of the chain, ascending."""

    # -- agents

    async def add_agent(self, agent: AgentRecord) -> bool:
        """Take an agent, unless one of its name is there and not revoked: then False."""

    async def agents(self) -> list[AgentRecord]:
        """All of them, revoked ones too, by name."""

    async def find_agent(self, key_id: str) -> AgentRecord | None:
        """Whose key this is, revoked or not."""

    async def get_agent(self, agent_id: str) -> AgentRecord | None:
        """The agent of this name, revoked or not."""

    async def set_rules(self, agent_id: str, rules: str | None) -> bool:
        """Replace an agent's rules; False when there is no such agent, or it is revoked."""

    async def set_limits(self, agent_id: str, limits: AgentLimits, was: AgentLimits) -> bool:
        """Replace an agent's limits, if they are still those in ``was``. False when they are not,
        or when nobody has that name or it is revoked: then nothing is changed."""

    async def rekey_agent(self, agent_id: str, key_id: str, key_hash: str, now: int) -> bool:
        """Replace the key; False when there is no such agent, or it is revoked."""

    async def revoke_agent(self, agent_id: str, now: int) -> bool:
        """Let the key open nothing more; False when there is no such agent, or it is revoked."""

    # -- sessions, and what their code keeps: JSON text by key

    async def note_session(self, note: SessionNote, most: int | None = None) -> list[str]:
        """Take a note in place of an earlier one of the same session; its ``created_at`` stays.

        ``most`` is given as a session begins: when its agent then has more, those go, with what
        they keep, that were used longest ago. Gives their names, at most DROPPED_AT_ONCE."""

    async def session_note(self, agent_id: str, session: str) -> SessionNote | None:
        """What is known of it."""

    async def forget_session(self, agent_id: str, session: str) -> bool:
        """Drop the note, and all that is kept with it; False when there was nothing."""

    async def session_value(self, agent_id: str, session: str, key: str) -> str | None:
        """The text that is kept under ``key``."""

    async def set_session_value(
        self, agent_id: str, session: str, key: str, text: str, most: int
    ) -> bool:
        """Keep ``text`` under ``key``; False, and nothing is changed, when all keys and texts of
        the session would have more than ``most`` bytes. A session without a note gets one: what
        is kept without one would never go."""

    async def delete_session_value(self, agent_id: str, session: str, key: str) -> bool:
        """Drop what is kept under ``key``; False when nothing was."""

    async def session_keys(self, agent_id: str, session: str) -> list[str]:
        """All keys, ascending."""

    # -- what the answers of tools have looked like

    async def observed_types(self) -> list[ObservedType]:
        """Those whose last answer is the latest, at most MOST_OBSERVED."""

    async def observed_type(self, namespace: str, tool: str) -> ObservedType | None:
        """What is kept of a tool."""

    async def keep_observed_type(self, observed: ObservedType) -> bool:
        """Replace what is kept of the tool, if that has the same revision (0: nothing is kept);
        the revision is then one more. False, and nothing is changed, when another was first."""

    # -- snippets

    async def snippets(self, agent_id: str | None = None) -> list[Snippet]:
        """By agent and name, at most MOST_SNIPPETS; of all agents for None, and those that are for
        all agents for the empty name."""

    async def snippet(self, agent_id: str, name: str) -> Snippet | None:
        """What is kept under a name."""

    async def keep_snippet(self, snippet: Snippet) -> bool:
        """Put it in the place of the version before; version 1 takes a name that is free. False,
        and nothing is changed, when another was first."""

    async def drop_snippet(self, agent_id: str, name: str) -> bool:
        """Forget it; False when it was not there."""

    # -- approvals

    async def add_approvals(self, approvals: Sequence[Approval]) -> None:
        """Take calls that wait for a decision; one that is there already is left as it is."""

    async def approvals(
        self,
        *,
        run_id: str | None = None,
        agent_id: str | None = None,
        status: ApprovalStatus | None = None,
        limit: int = 100,
    ) -> list[Approval]:
        """The oldest first, then by call. None does not filter."""

    async def decide_approval(
        self,
        run_id: str,
        call_id: str,
        status: ApprovalStatus,
        *,
        by: str | None,
        now: int,
        reason: str | None = None,
        edited: str | None = None,
    ) -> Approval | None:
        """Decide about one that is pending; one whose time is over can only become ``expired``.
        The first decision stands. Gives what stands now; None if there is no such call."""

    # -- several servers on one store; times are by the database's own clock

    async def take_lease(self, name: str, holder: str, duration: int) -> Lease | None:
        """Let ``holder`` have ``name`` for ``duration`` ms from now, also if it has it already;
        None while another has it."""

    async def keep_leases(self, holder: str, names: Collection[str], duration: int) -> set[str]:
        """Let ``holder`` have those of ``names`` that it still has for ``duration`` ms from now;
        gives them."""

    async def drop_leases(self, holder: str, names: Collection[str]) -> None:
        """Let others have those of ``names`` that ``holder`` has, at once."""

    async def exchange_notes(self, server: str, text: str) -> list[ServerNote]:
        """Leave ``text`` in place of the server's last note; gives those of all other servers."""

    async def await_events(self, after: int, patience: float) -> None:
        """Return when there may be events after sequence ``after``: at once where the database
        tells, or after a pause; after ``patience`` seconds in any case."""

    # -- runs that can be made again: what they take, and what they have done

    async def add_run(self, run: KeptRun) -> bool:
        """Take a run; False when it is there already."""

    async def kept_run(self, run_id: str) -> KeptRun | None:
        """What is kept of a run."""

    async def kept_runs(
        self,
        *,
        request_id: str | None = None,
        agent_id: str | None = None,
        phase: RunPhase | None = None,
        limit: int = 100,
    ) -> list[KeptRun]:
        """The newest first. None does not filter."""

    async def add_run_part(
        self, run_id: str, fence: int, number: int, part: bytes, head: bytes | None = None
    ) -> bool:
        """Write down what a run has done, behind what its owner with this ``fence`` has numbered
        lower; False when another one owns it, who then need not heed it. A part of the same number
        is replaced: its owner did not hear that it was written, and gives it again, with more.
        ``head`` becomes the run's own, not before the part is there."""

    async def run_parts(self, run_id: str) -> list[bytes]:
        """All that it has done, in order, of one owner after the other."""

    async def claim_run(self, run_id: str, owner: str, now: int, until: int) -> KeptRun | None:
        """Make a run the owner's until then, with the next fence and phase ``resuming``; None when
        it has ended, or is somebody's at ``now``."""

    async def change_run(self, run_id: str, fence: int, change: RunChange) -> bool:
        """Change it on behalf of its owner; False when another one owns it."""

    async def wake_run(self, run_id: str) -> None:
        """Note that something was decided about it; ``decide_approval`` does it too."""

    async def resumable_runs(self, now: int, limit: int) -> list[str]:
        """Those that can go on and that no server owns: something was decided or has expired, or
        their owner is gone, which held a worker for them or was resuming them. Nobody knows how far
        it had come: it may have died before it had asked anybody."""

    async def drop_runs(self, run_ids: Sequence[str]) -> None:
        """Forget them, whatever their phase."""

    # -- analytics; ``agent_id`` None means all agents, ``since`` is ms since the epoch

    async def agent_stats(self, agent_id: str | None, since: int | None) -> AgentStats:
        """Counts, rates and times."""

    async def pause_stats(self, agent_id: str | None, since: int | None) -> PauseStats:
        """Runs that waited for people, by when they started; expired calls, by when they asked."""

    async def recent_failures(self, agent_id: str | None, limit: int) -> list[Failure]:
        """Newest first."""

    async def trends(self, agent_id: str | None, since: int | None) -> list[TrendPoint]:
        """From the rollups, by day and then language, ascending."""

    async def timeline(
        self, agent_id: str | None, since: int | None, step: int
    ) -> list[TimelinePoint]:
        """Runs by steps of ``step`` ms, ascending; steps without a run are left out."""

    async def failure_causes(self, agent_id: str | None, since: int | None) -> list[FailureCause]:
        """Failures by error type, most first, then by type."""

    async def agent_counts(self, since: int | None, limit: int) -> list[AgentCount]:
        """Runs by agent, most first, then by name."""

    async def resource_use(self, agent_id: str | None, since: int | None) -> ResourceUse:
        """What runs used."""

    async def code_lengths(self, agent_id: str | None, since: int | None) -> list[CodeLengthBucket]:
        """All buckets of CODE_LENGTH_EDGES, ascending, empty ones included."""

    async def repeated_code(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[RepeatedCode]:
        """Code that ran more than once, most often first, then by hash."""

    async def slowest(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[ExecutionRecord]:
        """By execution_time, descending; without output, logs and context."""

    async def security_profile(
        self, agent_id: str | None, since: int | None
    ) -> list[SecurityCount]:
        """Counts of the SecurityIssue events, most first, then by pattern and severity."""

    async def tool_stats(
        self, agent_id: str | None, since: int | None, limit: int, by_agent: bool = False
    ) -> list[ToolStats]:
        """By tool, or by tool and agent: most calls first, then by tool and agent. Calls of tools
        that there are not count for none."""

    async def slices(self, agent_id: str | None, since: int, grain: int) -> list[Slice]:
        """What ran from ``since`` on, of an agent or of all, by slices of time, ascending; none is
        longer than ``grain`` ms, which is a day, an hour or five minutes at least.

        Those that lie wholly before the last rollup are kept, so that few records are read. A
        record that comes late into such a slice is counted from the next rollup on. Only slices of
        all agents name the agents.
        """

    async def roll_up(self, now: int, keep_days: int) -> None:
        """Bring the rollups by day, agent and language up to date, and the slices; drop those past
        ``keep_days``.

        May be called at any time and by several processes: it recomputes each day that has new
        records, as long as the day's records are all still there.
        """

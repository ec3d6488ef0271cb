"""Every exception that onehop raises.

OnehopError
├── InvalidRequestError (ValueError)    the caller: a call that cannot be run
├── ConfigError (ValueError)            the operator: a setting that cannot be used
├── OutputNotFoundError (LookupError)   the caller: no such kept output
├── ArtifactNotFoundError (LookupError) the caller: no such file that a run has shown
├── RunNotFoundError (LookupError)      the caller: no such run goes on, or has ended lately
├── SessionNotFoundError (LookupError)  the caller: no such session, or another agent's
├── TooManySessionsError                the caller: more sessions than an agent may have
├── DuplicateRequestError (ValueError)  an older server: the request id is another agent's
├── RunLostError                        nobody: the server that ran it has died on the way
├── UnauthorizedError                   the caller: no key, a wrong or a revoked one
├── AgentExistsError (ValueError)       the operator: an agent of this name is there
├── AgentNotFoundError (LookupError)    the operator: no agent of this name
├── AgentChangedError                   the operator: somebody else was first
├── NotReplayableError (LookupError)    the caller: what the run was answered is not kept
├── NotCompiledError (ValueError)       the caller: it is not TypeScript
├── SnippetNotFoundError (LookupError)  the caller: no snippet has this name
├── SnippetRefusedError                 the caller: a run cannot become this snippet
├── StoreError                          the audit trail
│   ├── StoreUnavailableError           its database does not answer
│   │   └── StoreFileError              its file was deleted or replaced
│   ├── AuditUnavailableError           the run could not be recorded
│   │   ├── JournalUnavailableError     its journal cannot be used: the disk is full, or fails
│   │   └── JournalFullError            the store is away, and no more records may wait for it
│   ├── RecordRejectedError             one record that no store can take
│   └── SealedError                     what is kept of a run cannot be opened
├── Overloaded                          nobody: too much at once, try again later
├── SandboxClosedError                  the caller: used before open or after close
├── SandboxUnavailableError             this machine cannot run guests as configured
│   ├── LayerUnavailableError           an isolation layer cannot be applied
│   ├── UpstreamUnavailableError        a server of tools is required, and does not come up
│   └── WorkerStartError                a worker did not become ready
├── ToolError                           a tool's call that has no value, and why
├── ToolFailed                          a tool: what it raises to say that it cannot do it
└── RemoteError                         a client, and the server that it calls
    ├── NotConnectedError               the caller: used before connect or after disconnect
    ├── ServerUnreachableError (ConnectionError)   nobody answers at the address
    │   └── ServerTimeoutError (TimeoutError)      nobody answered in time
    ├── UnexpectedAnswerError           what answers at the address is not onehop
    ├── AuthenticationError             the caller: no key, a wrong or a revoked one
    ├── PermissionDeniedError (PermissionError)    the caller: the key's role does not allow it
    ├── ExecutionNotFoundError (LookupError)       the caller: no such run, or another agent's
    ├── RateLimitedError                the caller: more runs than the agent may have
    └── ServerError                     the server failed

What the guest does wrong is never an exception here: it is an
``ExecutionResult`` with ``success=False``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

ToolErrorCode = Literal[
    "unknown_tool",
    "invalid_arguments",
    "denied",
    "blocked",
    "expired",
    "timeout",
    "unavailable",
    "auth_required",
    "failed",
    "too_large",
    "invalid_result",
    "budget",
    "internal",
]
"""Why a tool's call has no value."""
ToolErrorEffect = Literal["none", "applied", "unknown"]
"""What is known of a failed call's effect on the world."""


UNKNOWN_ADDRESS: Final = "there is no such address"
"""What the server says of a path that it does not know, and the client hears."""


class OnehopError(Exception):
    """The parent of every exception that onehop raises."""


class InvalidRequestError(OnehopError, ValueError):
    """A call was refused before anything ran.

    ``field`` names the argument, ``got`` shows what it was (shortened), ``allowed`` says
    what it may be.
    """

    def __init__(self, field: str, got: str, allowed: str) -> None:
        super().__init__(f"{field}: got {got}; it must be {allowed}")
        self.field = field
        self.got = got
        self.allowed = allowed


class UnknownToolsError(InvalidRequestError):
    """A call names tools that are not there."""


class ConfigError(OnehopError, ValueError):
    """A setting has a value that cannot be used. ``field`` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class OutputNotFoundError(OnehopError, LookupError):
    """No output is kept under this id: never was, was dropped for room, or the sandbox closed."""


class ArtifactNotFoundError(OnehopError, LookupError):
    """No file is kept under this id: never was, was dropped for room, or the sandbox closed."""


class RunNotFoundError(OnehopError, LookupError):
    """No run of this id goes on or has ended lately, or it is another agent's."""


class SessionNotFoundError(OnehopError, LookupError):
    """This agent has no session of that name."""


class TooManySessionsError(OnehopError):
    """An agent has as many sessions as it may: ``most``, whose names are ``sessions``."""

    def __init__(self, agent_id: str, most: int, sessions: Sequence[str]) -> None:
        names = ", ".join(sessions[:20])
        super().__init__(
            f"an agent may have {most} sessions, and there are as many: {names}. End one, or use "
            "one of them"
        )
        self.agent_id = agent_id
        self.most = most
        self.sessions = list(sessions)


class DuplicateRequestError(OnehopError, ValueError):
    """An older server said that the request id belongs to another agent's run; nothing ran.

    Request ids belong to their agent now: nobody else's can be in the way.
    """


class RunLostError(OnehopError):
    """A run of this request id was begun by a server that shares the store, and died before it had
    recorded the run. What the run has done is not known, so it is not run again."""


class UnauthorizedError(OnehopError):
    """No key was sent (``sent`` is false), or one that is wrong or revoked: which of these is not
    said."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__(
            "this key is not known, or it was revoked"
            if sent
            else "no key was sent: a valid key is needed, as Authorization: Bearer KEY, or "
            "X-API-Key: KEY"
        )


class AgentExistsError(OnehopError, ValueError):
    """An agent of this name is there already."""

    def __init__(self, agent_id: str) -> None:
        rotate = f"'onehop agents rotate {agent_id}' gives it a new key"
        super().__init__(f"the agent {agent_id!r} exists already; {rotate}")
        self.agent_id = agent_id


class AgentNotFoundError(OnehopError, LookupError):
    """There is no agent of this name, or its key was revoked."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"there is no agent {agent_id!r}")
        self.agent_id = agent_id


class AgentChangedError(OnehopError):
    """The limits of an agent are not what the change started from: somebody else was first."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(
            f"somebody else has changed the limits of the agent {agent_id!r}: look at them again"
        )
        self.agent_id = agent_id


class ApprovalNotFoundError(OnehopError, LookupError):
    """No call of this name waits for a decision, or ever did."""


class NotCompiledError(OnehopError, ValueError):
    """Code is not TypeScript, or nothing here can compile it."""


class SnippetNotFoundError(OnehopError, LookupError):
    """No snippet has this name."""


class SnippetRefusedError(OnehopError):
    """A run cannot become this snippet, or it is not clear which snippet is meant."""


class StoreError(OnehopError):
    """Something is wrong with the audit trail."""


class StoreUnavailableError(StoreError):
    """The store's database does not answer. ``url`` is its URL with the password masked."""

    def __init__(self, url: str, reason: str, advice: str | None = None) -> None:
        words = _advice(url) if advice is None else advice
        super().__init__(f"the store {url} does not answer: {reason}. {words}")
        self.url = url
        self.reason = reason


def _advice(url: str) -> str:
    if not url.startswith("sqlite"):
        return "Check that the database runs and that ONEHOP_STORE names it"
    return (
        "Check that this user can write the file and its folder, or name another store with "
        "ONEHOP_STORE"
    )


class StoreFileError(StoreUnavailableError):
    """A SQLite store's file was deleted, or replaced by another, while it was open.

    ``public`` says so without naming a path.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.public = f"the store's file {reason}"


class NotReplayableError(OnehopError, LookupError):
    """What a run was answered is not kept, or not all of it."""


class SealedError(StoreError):
    """What is kept of a run was sealed with another key, or changed since then."""


class AuditUnavailableError(StoreError):
    """Nothing may run now, because it could not be recorded; with audit="strict", because the
    store is away."""


class JournalUnavailableError(AuditUnavailableError):
    """The journal, in which runs are recorded before they start, cannot be read or written."""


class JournalFullError(AuditUnavailableError):
    """As many records wait for the store as may."""


class RecordRejectedError(StoreError):
    """A record, or an event of its run, that no store will ever take; nothing was taken.

    ``request_id`` names it, so that the others can be given again without it.
    """

    def __init__(self, request_id: str, reason: str) -> None:
        super().__init__(f"the record of {request_id!r} cannot be kept: {reason}")
        self.request_id = request_id
        self.reason = reason


class Overloaded(OnehopError):  # noqa: N818 - a plain condition stands alone
    """The queue is full. ``retry_after`` is the suggested wait in seconds."""

    def __init__(self, waiting: int, retry_after: float) -> None:
        super().__init__(
            f"the sandbox is overloaded: {waiting} executions are waiting already; "
            f"try again in about {retry_after:.1f} s"
        )
        self.waiting = waiting
        self.retry_after = retry_after


class MissingExtraError(OnehopError, ImportError):
    """A part of onehop needs a package that is not installed; the message has the pip command."""


class SandboxClosedError(OnehopError):
    """The sandbox is not open: use ``async with Sandbox() as sandbox``."""


class SandboxUnavailableError(OnehopError):
    """Guests cannot run on this machine as configured."""


class LayerUnavailableError(SandboxUnavailableError):
    """An isolation layer cannot be applied, and it was not named in ``allow_degraded``."""

    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(
            f"the isolation layer {layer!r} cannot be applied: {reason}. "
            f"Run 'onehop doctor' for the whole picture; to run without this layer, "
            f"name it: ONEHOP_ALLOW_DEGRADED={layer}, or SandboxConfig(allow_degraded=[{layer!r}])"
        )
        self.layer = layer
        self.reason = reason


class UpstreamUnavailableError(SandboxUnavailableError):
    """The server behind the namespace ``upstream`` is required, and does not come up."""

    def __init__(self, upstream: str, reason: str) -> None:
        super().__init__(
            f"the upstream server {upstream!r} is required and is not available: {reason}"
        )
        self.upstream = upstream
        self.reason = reason


class WorkerStartError(SandboxUnavailableError):
    """A worker process did not become ready."""


class ToolFailed(OnehopError):  # noqa: N818 - what a tool says, as Overloaded does
    """A tool raises this to say that it cannot do what was asked. Its text reaches the code that
    called, as a ToolError with the code ``failed``; the text of no other exception does."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ToolError(OnehopError):
    """A tool's call has no value. The code that called gets these same fields.

    ``code`` says why. ``field`` is the dotted path of a wrong argument or result (``rows.0.id``)
    and ``expected`` what belongs there; ``parameters`` are the tool's, the required ones with
    ``*``; ``nearest`` are names that are close. ``retry_after`` is in ms, ``status`` that of an
    HTTP answer, and ``effect`` says whether the call did something nevertheless; a tool that may
    change something and raises one without it has ``unknown``.
    """

    def __init__(
        self,
        code: ToolErrorCode,
        message: str,
        tool: str = "",
        *,
        field: str | None = None,
        expected: str | None = None,
        parameters: Sequence[str] | None = None,
        nearest: Sequence[str] | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        effect: ToolErrorEffect | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.tool = tool
        self.field = field
        self.expected = expected
        self.parameters = None if parameters is None else list(parameters)
        self.nearest = None if nearest is None else list(nearest)
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status
        self.effect: ToolErrorEffect = effect or "none"
        self.says_effect = effect is not None
        """Whether the one who raised it knew."""

    def to_dict(self) -> dict[str, Any]:
        """The fields that have a value, by their names in JSON."""
        fields = {
            "tool": self.tool,
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "expected": self.expected,
            "parameters": self.parameters,
            "nearest": self.nearest,
            "retryable": self.retryable,
            "retryAfter": self.retry_after,
            "status": self.status,
            "effect": self.effect,
        }
        return {name: value for name, value in fields.items() if value is not None}


class RemoteError(OnehopError):
    """A call of a client to its server failed."""


class NotConnectedError(RemoteError):
    """The client is not connected: use ``async with AgentClient(...) as client``."""


class ServerUnreachableError(RemoteError, ConnectionError):
    """Nobody answers at ``server_url``, or the connection broke; ``reason`` says how."""

    def __init__(self, server_url: str, reason: str) -> None:
        super().__init__(f"cannot reach the server at {server_url}: {reason}")
        self.server_url = server_url
        self.reason = reason


class ServerTimeoutError(ServerUnreachableError, TimeoutError):
    """The server did not answer in time; a run that was asked for has been given up."""


class UnexpectedAnswerError(RemoteError):
    """Something answers at the address, but not as a server of onehop does.

    ``status`` is the HTTP status of its answer.
    """

    def __init__(self, server_url: str, status: int, reason: str) -> None:
        super().__init__(
            f"what answers at {server_url} is not a server of onehop: {reason}. "
            f"Check the address; by default it is http://localhost:3001"
        )
        self.server_url = server_url
        self.status = status
        self.reason = reason


class AuthenticationError(RemoteError):
    """The server does not know who calls: no key, a wrong or a revoked one, or two of them."""


class PermissionDeniedError(RemoteError, PermissionError):
    """The role of the key does not allow the call."""


class ToolsGoneError(RemoteError):
    """A run named a connection with tools that has ended; nothing ran. A client connects again."""


class ExecutionNotFoundError(RemoteError, LookupError):
    """The server has no such run, or it is another agent's."""


class RateLimitedError(RemoteError):
    """The agent has more runs, at once or a minute, than it may.

    ``retry_after`` is the wait in seconds that the server asks for.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerError(RemoteError):
    """The server failed or cannot work now.

    ``status`` and ``code`` are those of its answer; ``request_id`` finds it in the server's log;
    ``retry_after`` is the wait in seconds that it asks for, if it does.
    """

    def __init__(
        self,
        message: str,
        status: int,
        code: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

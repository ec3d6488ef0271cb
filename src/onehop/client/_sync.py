"""The client for code that is not async: the same client, in an event loop of its own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, Unpack

from onehop.answers import AgentStats, Failure, PausedRun, PauseStats, ToolStats
from onehop.client._client import AgentClient
from onehop.client._feed import Feed
from onehop.client._live import Item
from onehop.client._wire import Identity, Rules
from onehop.errors import NotConnectedError
from onehop.events import Event
from onehop.inputs.choices import Choices
from onehop.records import ExecutionRecord
from onehop.runs.decisions import Approval, Decision
from onehop.runs.states import ServerState
from onehop.types import (
    CheckPolicy,
    ErrorType,
    ExecutionResult,
    Language,
    OnProgress,
    OutputPage,
    Replay,
    SessionInfo,
    SnippetInfo,
    ValidationReport,
)

if TYPE_CHECKING:
    import httpx2

    from onehop.tools import Tool, Tools

T = TypeVar("T")
_END: Final = object()


class SyncAgentClient:
    """``AgentClient`` with methods that wait: the same arguments, results and exceptions.

    ``with SyncAgentClient(agent_id="a", api_key="…") as client: client.execute("return 1 + 1")``

    May be used from several threads at once, also where an event loop runs. A KeyboardInterrupt
    while it waits ends the run, as cancelling does there.
    """

    def __init__(
        self,
        *,
        agent_id: str | None = None,
        api_key: str | None = None,
        server_url: str | None = None,
        channel_id: str = "",
        timeout: float = 30_000,
        retries: int = 3,
        transport: httpx2.AsyncBaseTransport | None = None,
        tools: Tools | Iterable[Tool | Callable[..., Any]] | None = None,
    ) -> None:
        self._client = AgentClient(
            agent_id=agent_id,
            api_key=api_key,
            server_url=server_url,
            channel_id=channel_id,
            timeout=timeout,
            retries=retries,
            transport=transport,
            tools=tools,
        )
        self._loop: _LoopThread | None = None

    def __repr__(self) -> str:
        return f"Sync{self._client!r}"

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()

    def connect(self) -> Identity:
        """See ``AgentClient.connect``."""
        loop = self._loop or _LoopThread()
        try:
            identity = loop.wait(self._client.connect())
        except BaseException:
            if loop is not self._loop:
                loop.stop()
            raise
        self._loop = loop
        return identity

    def disconnect(self) -> None:
        """See ``AgentClient.disconnect``."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.wait(self._client.disconnect())
            loop.stop()

    @property
    def identity(self) -> Identity:
        """See ``AgentClient.identity``."""
        return self._client.identity

    def call_tool(
        self, name: str, arguments: Mapping[str, Any], *, request_id: str | None = None
    ) -> dict[str, Any]:
        """See ``AgentClient.call_tool``."""
        return self._wait(self._client.call_tool(name, arguments, request_id=request_id))

    def execute(
        self,
        code: str,
        language: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, Any] | None = None,
        capture_console: bool | None = None,
        *,
        description: str | None = None,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
        typecheck: CheckPolicy | None = None,
        plan: bool | None = None,
        tools: Sequence[str] | None = None,
        rules: Rules | None = None,
        **choices: Unpack[Choices],
    ) -> ExecutionResult:
        """See ``AgentClient.execute``."""
        return self._wait(
            self._client.execute(
                code,
                language,
                timeout,
                context,
                capture_console,
                description=description,
                request_id=request_id,
                on_progress=on_progress,
                typecheck=typecheck,
                plan=plan,
                tools=tools,
                rules=rules,
                **choices,
            )
        )

    def stream(
        self,
        code: str,
        language: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, Any] | None = None,
        *,
        description: str | None = None,
        request_id: str | None = None,
        tools: Sequence[str] | None = None,
        rules: Rules | None = None,
        **choices: Unpack[Choices],
    ) -> SyncFeed[Item]:
        """See ``AgentClient.stream``."""
        return self._feed(
            lambda: self._client.stream(
                code,
                language,
                timeout,
                context,
                description=description,
                request_id=request_id,
                tools=tools,
                rules=rules,
                **choices,
            )
        )

    def wait(self, run_id: str, timeout: float | None = None) -> ExecutionResult:
        """See ``AgentClient.wait``."""
        return self._wait(self._client.wait(run_id, timeout))

    @contextmanager
    def session(self, name: str | None = None) -> Iterator[SyncSession]:
        """See ``AgentClient.session``: ``with client.session() as s: s.execute(…)``."""
        scope = self._client.session(name)
        try:
            yield SyncSession(self, scope.name)
        finally:
            if name is None:
                self.end_session(scope.name)

    def sessions(self, agent_id: str | None = None) -> list[SessionInfo]:
        """See ``AgentClient.sessions``."""
        return self._wait(self._client.sessions(agent_id))

    def replay(self, request_id: str) -> Replay:
        """See ``AgentClient.replay``."""
        return self._wait(self._client.replay(request_id))

    def snippets(self, agent_id: str | None = None) -> list[SnippetInfo]:
        """See ``AgentClient.snippets``."""
        return self._wait(self._client.snippets(agent_id))

    def snippet(self, name: str, agent_id: str | None = None) -> SnippetInfo:
        """See ``AgentClient.snippet``."""
        return self._wait(self._client.snippet(name, agent_id))

    def save_snippet(
        self,
        name: str,
        request_id: str,
        *,
        agent_id: str | None = None,
        for_all: bool = False,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        code: str | None = None,
        replace: bool = False,
    ) -> SnippetInfo:
        """See ``AgentClient.save_snippet``."""
        return self._wait(
            self._client.save_snippet(
                name,
                request_id,
                agent_id=agent_id,
                for_all=for_all,
                description=description,
                input_schema=input_schema,
                code=code,
                replace=replace,
            )
        )

    def remove_snippet(self, name: str, agent_id: str | None = None) -> SnippetInfo:
        """See ``AgentClient.remove_snippet``."""
        return self._wait(self._client.remove_snippet(name, agent_id))

    def end_session(self, session: str, agent_id: str | None = None) -> bool:
        """See ``AgentClient.end_session``."""
        return self._wait(self._client.end_session(session, agent_id))

    def artifact(self, request_id: str, artifact_id: str) -> bytes:
        """See ``AgentClient.artifact``."""
        return self._wait(self._client.artifact(request_id, artifact_id))

    def validate(self, code: str, language: str | None = None) -> ValidationReport:
        """See ``AgentClient.validate``."""
        return self._wait(self._client.validate(code, language))

    def stats(self, agent_id: str | None = None, since: int | datetime | None = None) -> AgentStats:
        """See ``AgentClient.stats``."""
        return self._wait(self._client.stats(agent_id, since))

    def tool_stats(
        self,
        agent_id: str | None = None,
        since: int | datetime | None = None,
        limit: int = 10,
        *,
        by_agent: bool = False,
    ) -> list[ToolStats]:
        """See ``AgentClient.tool_stats``."""
        return self._wait(self._client.tool_stats(agent_id, since, limit, by_agent=by_agent))

    def failures(self, agent_id: str | None = None, limit: int = 20) -> list[Failure]:
        """See ``AgentClient.failures``."""
        return self._wait(self._client.failures(agent_id, limit))

    def approvals(
        self, *, run_id: str | None = None, agent_id: str | None = None, limit: int = 100
    ) -> list[Approval]:
        """See ``AgentClient.approvals``."""
        return self._wait(self._client.approvals(run_id=run_id, agent_id=agent_id, limit=limit))

    def decide(self, run_id: str, decisions: Mapping[str, Decision]) -> dict[str, Approval]:
        """See ``AgentClient.decide``."""
        return self._wait(self._client.decide(run_id, decisions))

    def history(
        self,
        *,
        agent_id: str | None = None,
        channel_id: str | None = None,
        language: Language | None = None,
        success: bool | None = None,
        code_hash: str | None = None,
        error_type: ErrorType | None = None,
        tool: str | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[ExecutionRecord]:
        """See ``AgentClient.history``."""
        return self._wait(
            self._client.history(
                agent_id=agent_id,
                channel_id=channel_id,
                language=language,
                success=success,
                code_hash=code_hash,
                error_type=error_type,
                tool=tool,
                since=since,
                until=until,
                limit=limit,
                offset=offset,
            )
        )

    def paused(
        self, agent_id: str | None = None, channel_id: str | None = None, limit: int = 50
    ) -> list[PausedRun]:
        """See ``AgentClient.paused``."""
        return self._wait(self._client.paused(agent_id, channel_id, limit))

    def pause_stats(
        self, agent_id: str | None = None, since: int | datetime | None = None
    ) -> PauseStats:
        """See ``AgentClient.pause_stats``."""
        return self._wait(self._client.pause_stats(agent_id, since))

    def execution(self, request_id: str) -> ExecutionRecord:
        """See ``AgentClient.execution``."""
        return self._wait(self._client.execution(request_id))

    def output(self, request_id: str, offset: int = 0, limit: int = 65_536) -> OutputPage:
        """See ``AgentClient.output``."""
        return self._wait(self._client.output(request_id, offset, limit))

    def status(self) -> ServerState:
        """See ``AgentClient.status``."""
        return self._wait(self._client.status())

    def events(
        self,
        types: Iterable[str] | str | None = None,
        channel: str | None = None,
        agent_id: str | None = None,
    ) -> SyncFeed[Event]:
        """See ``AgentClient.events``; ``with client.events() as events`` waits for the server."""
        return self._feed(lambda: self._client.events(types, channel, agent_id))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            _ = self._client.identity  # says what to do
        assert self._loop is not None  # noqa: S101 - as the line above has checked
        return self._loop.wait(work)

    def _feed(self, make: Callable[[], Feed[T]]) -> SyncFeed[T]:
        feed = make()  # raises when the client is not connected
        assert self._loop is not None  # noqa: S101 - connected, as the line above has checked
        return SyncFeed(feed, self._loop)


class SyncSession:
    """``SessionScope`` for code that is not async."""

    def __init__(self, client: SyncAgentClient, name: str) -> None:
        self._client = client
        self.name = name
        """What ``session`` is in the arguments of other calls."""

    def execute(self, code: str, *arguments: Any, **named: Any) -> ExecutionResult:
        """``execute`` in this session."""
        return self._client.execute(code, *arguments, **named, session=self.name)

    def end(self) -> bool:
        """End it, and drop what ``store`` keeps; False when there was nothing."""
        return self._client.end_session(self.name)


class SyncFeed(Generic[T]):
    """``Feed`` for code that is not async."""

    def __init__(self, feed: Feed[T], loop: _LoopThread) -> None:
        self._feed = feed
        self._loop = loop

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            item = self._loop.wait(_next(self._feed))
        except NotConnectedError:  # disconnected by another thread
            raise StopIteration from None
        if item is _END:
            raise StopIteration
        return item  # type: ignore[return-value]

    def __enter__(self) -> Self:
        self._loop.wait(self._feed.__aenter__())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; what has not been read is dropped."""
        if self._loop.is_running:
            with suppress(NotConnectedError):  # disconnected by another thread
                self._loop.wait(self._feed.aclose())


async def _next(feed: Feed[T]) -> T | object:
    return await anext(feed, _END)


class _LoopThread:
    """An event loop in a thread that does not keep the process alive."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self.is_running = True
        self._thread = threading.Thread(target=self._run, name="onehop-client", daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which is cancelled when the waiting is interrupted.

        Raises NotConnectedError when the thread ends first.
        """
        future = self._submit(work)
        try:
            return future.result()
        except CancelledError:
            raise NotConnectedError("the client was disconnected meanwhile") from None
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Cancel what is left and end the thread."""
        with self._lock:
            self.is_running = False
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:  # so that whatever is submitted is there when the loop stops
            if self.is_running:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise NotConnectedError("the client has been disconnected")

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()

"""``McpUpstream``: the tools of an MCP server as a namespace."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Self

from onehop._extras import needed_for
from onehop.errors import ConfigError, ToolError, UpstreamUnavailableError
from onehop.runs.watching import stage
from onehop.tools import Effect, LoginFault, Tool, ToolContext
from onehop.upstreams._options import read_options
from onehop.upstreams._secrets import Mask, Resolved, resolve, resolved_client, secrets_of_url

if TYPE_CHECKING:
    import mcp_types as types

    from onehop.upstreams._keeper import Keeper
    from onehop.upstreams._link import Link, Streams
    from onehop.upstreams._sessions import Sessions

_log = logging.getLogger(__name__)
_SILENCE: Final = 5.0
"""Seconds after which the log says what is waited for: many servers take two or three to start."""
_PATIENCE: Final = 10.0
"""Seconds that the start of others waits for a server which is not required."""

_LAST_WORDS: Final = 500
"""Characters of what a server wrote at its end that are logged: the end of it says why."""


class McpUpstream:
    """An MCP server as a namespace: ``Tools(crm=McpUpstream(command=["npx", "crm-server"]))``.

    Give a ``command``, which is run here with a bare environment and what ``env`` names, or the
    ``url`` of a server that speaks streamable HTTP, with ``headers``. In both, ``env:NAME`` and
    ``file:PATH`` stand for secrets. The other options are those of a table ``[upstream.NAME]``.
    A picture or a sound in an answer is ``{name, type, size, bytes()}``.

    Raises ConfigError for options that cannot be used, and MissingExtraError without the MCP SDK.
    """

    def __init__(self, **options: Any) -> None:
        self._name = "upstream"
        self.options = read_options(options)
        self.on_change: Callable[[], None] | None = None
        """Called when the tools are others."""
        self._tools: tuple[Tool, ...] = ()
        self._last_words = ""
        self._keeper: Keeper | None = None
        self._sessions: Sessions | None = None
        self._places: asyncio.Semaphore | None = None
        _require_sdk()

    @classmethod
    def of(cls, options: Mapping[str, Any], place: str) -> Self:
        """As the constructor, from settings; ``place`` is where a message says that they are."""
        read_options(options, place)
        return cls(**options)

    def __repr__(self) -> str:
        where = self.options.command[0] if self.options.command else "url"
        return f"McpUpstream({where!r}, {len(self._tools)} tools)"

    async def open(self, namespace: str) -> None:
        """Connect, and learn the tools. A server that is not ready after some seconds is waited for
        in the background. Raises UpstreamUnavailableError if it is required and does not come up.
        """
        from onehop.upstreams._keeper import Keeper
        from onehop.upstreams._sessions import Sessions

        if self._keeper is not None:
            raise ConfigError(f"tools.{namespace}", "this server is open already, as another's")
        options = self.options
        self._name = namespace
        self._places = asyncio.Semaphore(options.concurrency)
        seconds = options.connect_timeout / 1000
        self._sessions = Sessions(self._open_link, options.sessions, options.idle / 1000)
        self._keeper = Keeper(self._name, self._open_link, seconds, self._take)
        try:
            await self._wait(self._keeper)
        except BaseException:
            await self.aclose()
            raise

    async def _wait(self, keeper: Keeper) -> None:
        is_required = self.options.required
        with suppress(TimeoutError):
            async with asyncio.timeout(_SILENCE):
                await keeper.tried()
        if not keeper.has_tried:
            _log.warning("upstream %s: waiting for it to come up", self._name)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if is_required else _PATIENCE - _SILENCE):
                    await keeper.tried()
        if not keeper.has_tried:
            words = (
                "upstream %s: it is not ready after %g s; going on without its tools, which runs "
                "have once it is up. To wait for it at the start, set required = true"
            )
            _log.warning(words, self._name, _PATIENCE)
        if is_required and not keeper.knows:
            raise UpstreamUnavailableError(self._name, keeper.reason)

    @property
    def fault(self) -> str | None:
        """Why its tools are not known; None if they are."""
        if self._keeper is None:
            return "its server is not connected"
        if self._keeper.knows:
            return None
        if self._keeper.wants_login:
            return LoginFault(f"its server wants other credentials{self._advice}")
        return f"its server is not available: {self._keeper.told}"

    @property
    def _advice(self) -> str:
        """The command that ends the fault, where a login may."""
        return f": run onehop tools login {self._name}" if self.options.url is not None else ""

    @property
    def away(self) -> str | None:
        """Why it does not answer now, though its tools may be known; None while it is connected."""
        if self._keeper is None:
            return "it is not connected"
        return None if self._keeper.is_up else self._keeper.reason

    def tools(self) -> Sequence[Tool]:
        """As the server listed them last."""
        return self._tools

    async def aclose(self) -> None:
        """End every session, and with it every process."""
        keeper, self._keeper = self._keeper, None
        sessions, self._sessions = self._sessions, None
        if sessions is not None:
            await sessions.aclose()
        if keeper is not None:
            await keeper.aclose()

    # --- calls ---

    def _make_call(self, name: str, effect: Effect) -> Callable[..., Any]:
        async def call(arguments: dict[str, Any], /, context: ToolContext) -> Any:
            try:
                async with self._place(), self._session(context.agent_id) as link:
                    context.start()
                    return await self._call(link, name, effect, arguments, context)
            except ToolError as error:
                if error.code == "auth_required":
                    words = error.message + self._advice
                    raise ToolError("auth_required", words, status=error.status) from None
                raise

        return call

    def _place(self) -> asyncio.Semaphore:
        """One of the calls that may be under way, of all agents and runs."""
        if self._places is None:
            raise ToolError("unavailable", "its server is not connected")
        return self._places

    async def _call(
        self,
        link: Link,
        name: str,
        effect: Effect,
        arguments: dict[str, Any],
        context: ToolContext,
    ) -> Any:
        from onehop.upstreams import _answers, _asking

        seconds = None if self.options.timeout is None else self.options.timeout / 1000
        try:
            async with asyncio.timeout(seconds) as clock:
                with stage(
                    "upstream", server=self._name, tool=name, is_local=self._is_local
                ) as noted:
                    noted.note(protocol=(await link.client()).protocol_version)
                    result = await _asking.call(link, name, effect, arguments, context)
        except TimeoutError:
            if not clock.expired():
                raise
            words = f"its server did not answer within {seconds:g} s"
            after = _answers.after(effect)
            raise ToolError("timeout", words, retryable=after == "none", effect=after) from None
        return _answers.value_of(
            result, parse_json=self.options.parse_json, effect=effect, keep=context.on_media
        )

    @asynccontextmanager
    async def _session(self, agent_id: str) -> AsyncIterator[Link]:
        """The connection that the agent's calls use. Raises ToolError (``unavailable``)."""
        if self._keeper is None or self._sessions is None:
            raise ToolError("unavailable", "its server is not connected")
        link = await self._keeper.link()  # while the server is down, no session is tried
        if self.options.shared or not agent_id:
            yield link
            return
        async with self._sessions.use(agent_id) as own:
            yield own

    @property
    def _is_local(self) -> bool:
        """Whether it is a process of this machine, and not a server at a URL."""
        return self.options.url is None

    # --- the connection ---

    def _take(self, listed: list[types.Tool]) -> None:
        from onehop.upstreams._listing import tools_of

        self._tools = tuple(tools_of(listed, self.options, self._make_call))
        if self.on_change is not None:
            self.on_change()

    def _open_link(self) -> Link:
        from onehop.upstreams._link import Link

        return Link(self._reach, self.options.connect_timeout / 1000, mode=self.options.protocol)

    def _reach(self) -> tuple[Streams, Mask]:
        """The way to the server, with the secrets as they are now. Raises ConfigError."""
        return self._to_url() if self.options.url is not None else self._to_command()

    def _to_command(self) -> tuple[Streams, Mask]:
        from onehop.upstreams._stdio import environment, run_server

        found = Resolved(self.options.env, f"upstream.{self._name}.env", os.environ)
        mask = Mask(found.secrets)

        def on_words(words: str, by_itself: bool) -> None:
            if words:
                self._tell_last_words(_one_line(mask.text(words)), by_itself)

        variables = environment(found.values, os.environ)
        return run_server(self.options.argv, variables, self.options.cwd, on_words), mask

    def _tell_last_words(self, words: str, by_itself: bool) -> None:
        """For the operator alone: it may say what the code should not know. A server that cannot
        start says the same at each attempt."""
        is_new = by_itself and words != self._last_words
        level = logging.WARNING if is_new else logging.INFO
        self._last_words = words
        _log.log(level, "upstream %s wrote last: %s", self._name, words)

    def _to_url(self) -> tuple[Streams, Mask]:
        from onehop.upstreams._http import connect

        place = f"upstream.{self._name}"
        url = resolve(self.options.url or "", f"{place}.url", os.environ)
        found = Resolved(self.options.headers, f"{place}.headers", os.environ)
        mask = Mask([*found.secrets, *secrets_of_url(url)])
        if any(name.lower() == "authorization" for name in found.values):
            return connect(url, found.values), mask
        from onehop.upstreams._oauth import KeptToken
        from onehop.upstreams._tokens import TokenFile, tokens_path

        client = resolved_client(self.options.oauth, place, os.environ)
        secret = None if client is None else client.client_secret
        mask.add([secret] if secret else [])
        file = TokenFile(tokens_path())
        auth = KeptToken(url, file, lambda secret: mask.add([secret]), secret)
        return connect(url, found.values, auth), mask


def _one_line(words: str) -> str:
    """The end of them, as text that does not steer a terminal or look like another line."""
    end = " ".join(words[-_LAST_WORDS:].split())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in end)


def _require_sdk() -> None:
    """Raises MissingExtraError. The SDK takes a while to load, and waits until it is needed."""
    with needed_for("upstream MCP servers"):
        for name in ("mcp", "jsonschema"):
            if find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

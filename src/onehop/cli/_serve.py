"""``onehop serve`` and ``onehop agents``: start the server, and manage who may call it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop._version import onehop_version
from onehop.cli._command import complain, exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._options import McpServers, Tools

if TYPE_CHECKING:
    from onehop.config import ServerConfig
    from onehop.server.agents import Agents, NewKey
    from onehop.server.serving import Ready
    from onehop.stores.base import AgentRecord

SERVE_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "stopped as asked (SIGINT or SIGTERM)",
        ExitCode.BAD_INPUT: "bad usage or bad input, or the port is in use",
        ExitCode.UNAVAILABLE: "the sandbox or the store cannot be used here",
    }
)
_AGENT_EXITS: Final = epilog({ExitCode.UNAVAILABLE: "the store cannot be used"})
_FIRST_ADMIN: Final = "admin"

_log = logging.getLogger(__name__)

agents = typer.Typer(
    help="Manage the agents that may call the server, and their keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""The commands of ``onehop agents``."""


def serve(
    host: Annotated[
        str | None, typer.Option(metavar="HOST", help="Name or address to listen on (localhost).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port to listen on (3001).")
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask for no keys; only on a loopback address.")
    ] = False,
    tls_cert: Annotated[
        str | None, typer.Option(metavar="FILE", help="Certificate chain (PEM), to serve HTTPS.")
    ] = None,
    tls_key: Annotated[
        str | None, typer.Option(metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(metavar="FORM", help="text or json (text on a terminal, else json)."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=64,
            help="Processes that serve the port together (1); more need PostgreSQL or MongoDB.",
        ),
    ] = None,
    tools: Tools = None,
    mcp_servers: McpServers = None,
) -> None:
    """Serve agents over HTTP and MCP until interrupted.

    Runs in flight finish first. All settings and where they come from: onehop config show
    """
    given = {
        "host": host,
        "port": port,
        "auth": False if no_auth else None,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "log_format": log_format,
        "workers": workers,
    }
    told = {name: value for name, value in given.items() if value is not None}
    exit_with(lambda: _serve(told, tools, mcp_servers))


def _serve(given: dict[str, Any], files: list[str] | None, mcp_servers: str | None) -> ExitCode:
    from onehop.cli._input import tools_config
    from onehop.config import ServerConfig
    from onehop.server import logs, serving, workers

    settings = ServerConfig(**given)
    form = settings.log_format
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    logs.configure(form)
    tools = tools_config(files, mcp_servers)
    among = workers.told()
    if among is not None:
        asyncio.run(serving.serve(settings, _greet_nobody, tools, among=among))
        return ExitCode.SUCCESS
    if settings.workers > 1:
        arguments = [*_words(given), *_words({"tools": files, "mcp_servers": mcp_servers})]
        served = workers.supervise(
            settings, settings.workers, arguments, lambda ready: _greet(ready, settings)
        )
        return ExitCode(asyncio.run(served))
    asyncio.run(serving.serve(settings, lambda ready: _greet(ready, settings), tools))
    return ExitCode.SUCCESS


def _words(given: dict[str, Any]) -> Iterator[str]:
    """Options as they are written, for the processes that serve together."""
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        if name == "auth":
            yield "--no-auth"
        elif isinstance(value, list):
            yield from (word for each in value for word in (option, each))
        elif value is not None and name != "workers":
            yield from (option, str(value))


async def _greet_nobody(_ready: Ready) -> None:
    """One of several processes; their supervisor greets."""


async def _greet(ready: Ready, settings: ServerConfig) -> None:
    """Say where the server is; the first time, make a key to begin with, or say how."""
    is_first = settings.auth and await _has_no_agent(ready.agents)
    if not sys.stderr.isatty():
        _log.info("ready", extra={"facts": {"url": ready.url, "store": ready.store}})
        if is_first:
            _refuse_unreachable(ready.store)
            _log.warning("there is no agent yet: onehop agents add NAME --role admin makes one")
        return
    _say(f"onehop {onehop_version()} serves on {ready.url}\n")
    _say(f"  HTTP     {ready.url}/api/v1   (to try out: {ready.url}/docs)")
    _say(f"  MCP      {ready.url}/mcp")
    _say(f"  records  {ready.store}\n")
    if is_first:
        await _show_first_key(ready.agents)
    for warning in _warnings(settings):
        _say(warning)
    _say("Ctrl+C stops it; runs in flight finish first.")


async def _has_no_agent(known: Agents) -> bool:
    from onehop.errors import StoreUnavailableError

    try:
        return not await known.list()
    except StoreUnavailableError as error:
        _log.warning("the server starts without its store, and takes no keys until then: %s", error)
        return False


async def _show_first_key(known: Agents) -> None:
    made = await known.add(_FIRST_ADMIN, "admin")
    _say(f"The key of the agent {_FIRST_ADMIN!r}, shown this once; keep it:\n\n  {made.key}\n")
    _say("Make one for each agent: onehop agents add NAME\n")


def _refuse_unreachable(store: str) -> None:
    from onehop.errors import ConfigError

    if store == "memory:":
        raise ConfigError(
            "store",
            "memory: has no agents, and none can be added from outside: name a database, start the "
            "server in a terminal, or use --no-auth",
        )


def _warnings(settings: ServerConfig) -> Iterator[str]:
    if not settings.auth:
        yield "No key is needed: anyone who reaches this address may run code."
    if settings.tls_cert is None and not _is_local(settings.host):
        yield "Keys and code travel unencrypted: use --tls-cert, or a proxy that serves HTTPS."


def _is_local(host: str) -> bool:
    from onehop.server.asgi._guard import is_loopback

    return is_loopback(host.strip("[]"))


_JSON = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_NAME = Annotated[str, typer.Argument(metavar="NAME", help="The agent's id.")]


@agents.command(epilog=_AGENT_EXITS)
def add(
    name: _NAME,
    role: Annotated[
        str,
        typer.Option(
            help="agent: runs code, sees its own; viewer: sees all; approver: also decides about "
            "calls that wait; admin: may do all."
        ),
    ] = "agent",
    max_runs: Annotated[
        int | None, typer.Option(help="Runs at the same time; the server's own limit if not set.")
    ] = None,
    max_rate: Annotated[int | None, typer.Option(help="Runs in a minute.")] = None,
    max_body: Annotated[int | None, typer.Option(help="Bytes of one request.")] = None,
    key_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the key to this new file, which only you may read, and print nothing; "
            "if the agent cannot be added, the file is removed.",
        ),
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Add an agent and print its key. The key is not shown again."""
    limits = {"max_runs": max_runs, "max_rate": max_rate, "max_body": max_body}

    async def work(known: Agents) -> None:
        if key_file is None:
            _print_key(await known.add(name, role, **limits), as_json)  # type: ignore[arg-type]
            return
        with _new_file(key_file) as write:
            write((await known.add(name, role, **limits)).key)  # type: ignore[arg-type]

    _with_agents(work)


@contextmanager
def _new_file(path: str) -> Iterator[Callable[[str], None]]:
    """A file that its owner alone may read; gone again if the block fails. Raises
    InvalidRequestError."""
    import os

    from onehop.errors import InvalidRequestError

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        allowed = f"a new file that can be written ({error.strerror})"
        raise InvalidRequestError("key_file", repr(path)[:80], allowed) from None
    try:
        with os.fdopen(descriptor, "w") as stream:
            yield lambda line: print(line, file=stream, flush=True)
    except BaseException:
        os.unlink(path)
        raise


@agents.command("list", epilog=_AGENT_EXITS)
def list_(as_json: _JSON = False) -> None:
    """List the agents. Keys are not stored, so they cannot be shown."""

    async def work(known: Agents) -> None:
        found = await known.list()
        if as_json:
            _print(json.dumps([_shown(agent) for agent in found]))
            return
        rows = [("AGENT", "ROLE", "STATE"), *map(_row, found)]
        widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
        for agent, role, state in rows:
            _print(f"{agent:<{widths[0]}}  {role:<{widths[1]}}  {state}")

    _with_agents(work)


@agents.command(epilog=_AGENT_EXITS)
def rules(
    name: _NAME,
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RULE",
            help='Such as "ask crm.pay when amount > 100"; see below.',
            show_default=False,
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all rules away.")] = False,
    as_json: _JSON = False,
) -> None:
    """Show an agent's rules for its calls of tools, or set them.

    Rules that are given replace all that there were. Each is one argument: ACTION TOOL
    [effect EFFECT] [when CONDITION]. The action is allow, ask or deny. The tool is a path, or a
    glob such as "crm.*". They count from the agent's next run on, on every server that shares the
    store, beside the server's own rules.
    """

    async def work(known: Agents) -> None:
        from onehop.tools import rule_from_text, rules_from_json

        if given or clear:
            read = [rule_from_text(text, f"rule {n}") for n, text in enumerate(given or (), 1)]
            found = await known.set_rules(name, read)
        else:
            found = rules_from_json((await known.get(name)).rules)
        if as_json:
            _print(json.dumps([rule.to_dict() for rule in found]))
        elif found:
            _print("\n".join(map(str, found)))
        else:
            _say(f"The agent {name} has no rules of its own.")

    if given and clear:
        raise typer.BadParameter("give rules, or --clear", param_hint="'--clear'")
    _with_agents(work)


@agents.command(epilog=_AGENT_EXITS)
def limits(
    name: _NAME,
    max_runs: Annotated[str | None, typer.Option(help="Runs at the same time.")] = None,
    max_rate: Annotated[str | None, typer.Option(help="Runs in a minute.")] = None,
    max_body: Annotated[str | None, typer.Option(help="Bytes of one request.")] = None,
    as_json: _JSON = False,
) -> None:
    """Show an agent's limits, or change them.

    Each is a number, or "default" for what the server's settings say. What is not named stays.
    Every server that shares the store heeds a change within a second.
    """
    given = {"max_runs": max_runs, "max_rate": max_rate, "max_body": max_body}

    async def work(known: Agents) -> None:
        changed = {key: _limit(key, text) for key, text in given.items() if text is not None}
        if changed:
            agent = await known.set_limits(name, changed, by="the command line")
        else:
            agent = await known.get(name)
        if as_json:
            _print(json.dumps(_shown(agent)["limits"]))
            return
        for key, limit in dataclasses.asdict(agent.limits).items():
            _print(f"{key}  {'default' if limit is None else limit}")

    _with_agents(work)


def _limit(name: str, text: str) -> int | None:
    """Raises InvalidRequestError."""
    from onehop.errors import InvalidRequestError

    if text == "default":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidRequestError(name, repr(text)[:80], 'a whole number from 1 on, or "default"')
    return int(text)


@contextmanager
def _replaced_file(path: str) -> Iterator[Callable[[str], None]]:
    """As ``_new_file``; what was there stays until the block has ended well."""
    import os
    import tempfile

    from onehop.errors import InvalidRequestError

    try:
        descriptor, made = tempfile.mkstemp(dir=os.path.dirname(path) or ".")
    except OSError as error:
        allowed = f"a file that can be written ({error.strerror})"
        raise InvalidRequestError("key_file", repr(path)[:80], allowed) from None
    try:
        with os.fdopen(descriptor, "w") as stream:
            yield lambda line: print(line, file=stream, flush=True)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


@agents.command(epilog=_AGENT_EXITS)
def rotate(
    name: _NAME,
    key_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the key to this file, which only you may read, in place of what it has, "
            "and print nothing.",
        ),
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Give an agent a new key and print it; the old key stops working."""

    async def work(known: Agents) -> None:
        if key_file is None:
            _print_key(await known.rotate(name), as_json)
            return
        with _replaced_file(key_file) as write:
            write((await known.rotate(name)).key)

    _with_agents(work)


@agents.command(epilog=_AGENT_EXITS)
def revoke(name: _NAME) -> None:
    """Revoke an agent's key.

    Every server that shares the store refuses the key within a second.
    """

    async def work(known: Agents) -> None:
        await known.revoke(name)
        _say(f"The key of {name} no longer works.")

    _with_agents(work)


def _with_agents(work: Callable[[Agents], Awaitable[None]]) -> None:
    from onehop.errors import AgentChangedError, AgentExistsError, AgentNotFoundError

    def command() -> ExitCode:
        try:
            return asyncio.run(_open(work))
        except (AgentChangedError, AgentExistsError, AgentNotFoundError) as error:
            return complain(error, ExitCode.BAD_INPUT)

    exit_with(command)


async def _open(work: Callable[[Agents], Awaitable[None]]) -> ExitCode:
    from onehop.config import AuditConfig
    from onehop.errors import ConfigError
    from onehop.server.agents import Agents
    from onehop.stores import open_store

    config = AuditConfig()
    if config.store == "memory:":
        raise ConfigError("store", "memory: is lost when this command ends: name a database")
    store = await open_store(config)
    try:
        await work(Agents(store))
    finally:
        await store.aclose()
    return ExitCode.SUCCESS


def _print_key(made: NewKey, as_json: bool) -> None:
    if as_json:
        _print(json.dumps({**_shown(made.agent), "key": made.key}))
        return
    _say(f"The key of {made.agent.agent_id} ({made.agent.role}), shown this once; keep it:")
    _print(made.key)


def _shown(agent: AgentRecord) -> dict[str, Any]:
    from onehop.server.http._schemas import Agent

    return Agent.of(agent).model_dump(by_alias=True)


def _row(agent: AgentRecord) -> tuple[str, str, str]:
    return agent.agent_id, agent.role, "revoked" if agent.revoked_at is not None else "active"


def _say(words: str) -> None:
    """Tell people something: on standard error, beside the log."""
    from onehop.cli._output import write

    write(sys.stderr, words + "\n")


def _print(text: str) -> None:
    """Print what a program may read."""
    from onehop.cli._output import write

    write(sys.stdout, text + "\n")

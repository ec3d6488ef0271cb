"""``onehop tools``: what the code may call, and a call of one tool."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli import _import, _login
from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._options import McpServers, Tools
from onehop.cli._tools_beside import discovery_of

if TYPE_CHECKING:
    from onehop.errors import ToolError
    from onehop.sandbox.calls import Toolbox

app = typer.Typer(
    help="Find the tools that code may call, and call one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_EXITS: Final = epilog(
    {
        ExitCode.FAILED: "the call failed",
        ExitCode.BAD_INPUT: "bad usage, a file that cannot be used, or no such tool",
        ExitCode.UNAVAILABLE: "onehop failed, or the list lacks the tools of a server",
    }
)
_ALONE: Final = re.compile(r"^upstream \S+(: waiting for| wrote last: )")
_NAMED: Final = 10
"""Functions that are named."""
_Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_Path = Annotated[str, typer.Argument(metavar="TOOL", help="Its path, such as crm.find_person.")]


@app.command("list", epilog=_EXITS)
def list_(
    namespace: Annotated[
        str | None, typer.Argument(metavar="NAMESPACE", help="Only of this one.")
    ] = None,
    tools: Tools = None,
    mcp_servers: McpServers = None,
    as_json: _Json = False,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="What could not become a tool, and why.")
    ] = False,
) -> None:
    """List the tools, with their signatures.

    Standard error names the rules that concern none of them, and functions of a file that are not
    decorated with @tool.
    """

    from onehop.cli._input import tools_config

    async def work(toolbox: Toolbox) -> ExitCode:
        _name_missing(toolbox, namespace)
        if skipped:
            return _print_skipped(toolbox.catalogue.skipped, namespace, as_json)
        for words in toolbox.stray():
            _complain(f"warning: {words}")
        _name_undecorated(tools_config(tools, mcp_servers).files)
        discovery = await discovery_of(toolbox)
        spaces = [each["namespace"] for each in discovery.list() if isinstance(each, dict)]
        chosen = [namespace] if namespace is not None else spaces
        paths = [str(path) for name in chosen for path in discovery.list(name)]
        missing = toolbox.catalogue.missing
        _print_hits([discovery.hit(path) for path in paths], as_json, missing)
        is_whole = not missing if namespace is None else namespace not in missing
        return ExitCode.SUCCESS if is_whole else ExitCode.UNAVAILABLE

    _with_tools(tools, mcp_servers, work)


@app.command(epilog=_EXITS)
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What the tool should do.")],
    tools: Tools = None,
    mcp_servers: McpServers = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Tools to print.")] = 10,
    as_json: _Json = False,
) -> None:
    """Find tools by what they do, the best first."""

    async def work(toolbox: Toolbox) -> ExitCode:
        _name_missing(toolbox)
        hits = (await discovery_of(toolbox)).search(query, limit=limit)
        if not hits and toolbox.offer:
            _complain("no tool fits: try other words, or onehop tools list")
            return ExitCode.SUCCESS
        _print_hits(hits, as_json)
        return ExitCode.SUCCESS

    _with_tools(tools, mcp_servers, work)


@app.command(epilog=_EXITS)
def show(
    path: _Path, tools: Tools = None, mcp_servers: McpServers = None, as_json: _Json = False
) -> None:
    """Show one tool: its declarations in TypeScript.

    With --json its schemas too.
    """

    async def work(toolbox: Toolbox) -> ExitCode:
        found = (await discovery_of(toolbox)).describe(path)
        typer.echo(_as_json(found) if as_json else found["declarations"].rstrip())
        return ExitCode.SUCCESS

    _with_tools(tools, mcp_servers, work)


@app.command(epilog=_EXITS)
def call(
    path: _Path,
    arguments: Annotated[
        str, typer.Argument(metavar="JSON", help="The argument: a JSON object.")
    ] = "{}",
    tools: Tools = None,
    mcp_servers: McpServers = None,
) -> None:
    """Call one tool, and print its value as JSON.

    The same rules count as for code.
    """

    async def work(toolbox: Toolbox) -> ExitCode:
        from onehop.cli._input import CLI_AGENT
        from onehop.sandbox.calls import call_directly, make_desk

        given = _object(arguments)
        grant = toolbox.grant()
        if grant is None:
            _complain("no tools are granted: name a file with --tools")
            return ExitCode.BAD_INPUT
        value = await call_directly(make_desk(grant, agent_id=CLI_AGENT), path, given)
        typer.echo(_as_json(value))
        return ExitCode.SUCCESS

    _with_tools(tools, mcp_servers, work)


_Work = Callable[["Toolbox"], Awaitable[ExitCode]]


app.command("import", epilog=_import.EXITS)(_import.import_)
app.command(epilog=_login.EXITS)(_login.login)
app.command(epilog=_login.LOGOUT_EXITS)(_login.logout)


def _with_tools(files: list[str] | None, mcp_servers: str | None, work: _Work) -> None:
    def command() -> ExitCode:
        import asyncio

        return asyncio.run(_work(files, mcp_servers, work))

    exit_with(command)


async def _work(files: list[str] | None, mcp_servers: str | None, work: _Work) -> ExitCode:
    from onehop.cli._input import tools_config
    from onehop.errors import ToolError
    from onehop.execution.compose import granted
    from onehop.sandbox.calls import Toolbox

    _log_what_no_answer_says()
    given = granted(tools_config(files, mcp_servers), ())
    toolbox = Toolbox(given["tools"], given["rules"], given["tool_limits"])
    try:
        await toolbox.open()
        return await work(toolbox)
    except ToolError as error:
        _complain(_told(error))
        unknown = error.code in ("unknown_tool", "invalid_arguments")
        return ExitCode.BAD_INPUT if unknown else ExitCode.FAILED
    finally:
        await toolbox.aclose()


def _name_missing(toolbox: Toolbox, namespace: str | None = None) -> None:
    """Servers whose tools the answer lacks. A call of one of their tools says so itself."""
    for name, fault in toolbox.catalogue.missing.items():
        if namespace in (None, name):
            _complain(f"{name}: {fault}")


def _name_undecorated(files: Sequence[str]) -> None:
    from onehop.tools import undecorated

    for file, names in undecorated(files).items():
        many = "1 function is" if len(names) == 1 else f"{len(names)} functions are"
        few = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        _complain(f"{file}: {many} not decorated with @tool: {few}")


def _log_what_no_answer_says() -> None:
    """Of a server that is away: that it is waited for, and what it wrote at its end."""
    said = logging.StreamHandler()
    said.addFilter(lambda record: _ALONE.search(record.getMessage()) is not None)
    logging.getLogger("onehop.upstreams").addHandler(said)


def _told(error: ToolError) -> str:
    parameters = f" (parameters: {', '.join(error.parameters)})" if error.parameters else ""
    return f"{error.code}: {error}{parameters}"


def _print_hits(
    hits: list[dict[str, Any]], as_json: bool, missing: Mapping[str, str] | None = None
) -> None:
    if as_json:
        typer.echo(_as_json(hits))
        return
    if not hits and not missing:
        _complain("no tools are granted: name a file with --tools")
    for hit in hits:
        typer.echo(f"{hit['signature']}  [{hit['effect']}{', asks' if hit['asks'] else ''}]")
        if hit["description"]:
            typer.echo(f"    {hit['description']}")
        if "refused" in hit:
            typer.echo(f"    cannot be called: {hit['refused']}")


def _print_skipped(skipped: Mapping[str, str], namespace: str | None, as_json: bool) -> ExitCode:
    prefix = "" if namespace is None else f"{namespace}."
    chosen = {path: why for path, why in skipped.items() if path.startswith(prefix)}
    if as_json:
        typer.echo(_as_json(chosen))
        return ExitCode.SUCCESS
    for path, why in chosen.items():
        typer.echo(f"{path}: {why}")
    if not chosen:
        _complain("nothing was skipped")
    return ExitCode.SUCCESS


def _object(text: str) -> dict[str, Any]:
    from onehop.errors import InvalidRequestError

    try:
        given = json.loads(text)
    except ValueError as error:
        raise InvalidRequestError("JSON", repr(text)[:200], f"a JSON object ({error})") from None
    if not isinstance(given, dict):
        raise InvalidRequestError("JSON", repr(text)[:200], "a JSON object")
    return given


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _complain(line: str) -> None:
    typer.echo(f"onehop: {line}", err=True)

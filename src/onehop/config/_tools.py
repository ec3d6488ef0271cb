"""What code may call, and what is kept of the answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import SecretStr

from onehop.config._settings import Settings, setting


class ToolsConfig(Settings):
    """The host's functions that code may call as `tools`."""

    table: ClassVar[str] = "tools"

    files: tuple[str, ...] = setting(
        (),
        "ONEHOP_TOOLS",
        "Python files with functions that are decorated with `@tool`; this process runs them.",
    )
    mcp_servers: str | None = setting(
        None,
        "ONEHOP_MCP_SERVERS",
        "A JSON file with `mcpServers`, as other MCP clients keep it: the tools of each server in "
        "it are a namespace.",
    )
    deny: tuple[str, ...] = setting(
        (),
        "ONEHOP_TOOLS_DENY",
        "Tools that no code may call: paths such as `crm.delete_*`, `*` stands for anything.",
    )
    ask: tuple[str, ...] = setting(
        (),
        "ONEHOP_TOOLS_ASK",
        "Tools about which a person must decide: see `approvals`.",
    )
    rules: tuple[str, ...] = setting(
        (),
        "ONEHOP_TOOLS_RULES",
        "Rules for calls of tools, such as `ask crm.pay when amount > 100` and "
        "`deny * effect destructive`: an action, a path or glob, an effect, a condition.",
    )
    approvals: bool = setting(
        False,
        "ONEHOP_TOOLS_APPROVALS",
        "Whether a call that a rule asks about waits for a person; otherwise it is blocked.",
    )
    hold: int = setting(
        30_000,
        "ONEHOP_TOOLS_HOLD",
        "Time that a worker is held for people in all, in ms; then the run is paused, or what "
        "nobody decided has expired where a run cannot pause.",
        ge=100,
        le=600_000,
    )
    elicitation: bool = setting(
        False,
        "ONEHOP_TOOLS_ELICITATION",
        "Whether the person at an MCP client may decide about the calls of its own agent; the "
        "client is trusted to ask that person.",
    )
    decide_within: int = setting(
        86_400_000,
        "ONEHOP_TOOLS_DECIDE_WITHIN",
        "Time that people have for a decision about a call of a paused run, in ms.",
        ge=1_000,
        le=2_592_000_000,
    )
    max_calls: int = setting(
        200, "ONEHOP_TOOLS_MAX_CALLS", "Calls of tools in one run.", ge=1, le=100_000
    )
    call_timeout: int = setting(
        30_000,
        "ONEHOP_TOOLS_TIMEOUT",
        "Time that a tool may take for one call, in ms.",
        ge=10,
        le=600_000,
    )


class RecordingConfig(Settings):
    """What runs were answered, kept sealed: to go on after a pause, and for replay."""

    table: ClassVar[str] = "recording"

    runs: Literal["off", "asks", "all"] = setting(
        "asks",
        "ONEHOP_RECORDING",
        "Which runs: those that may have to wait for a person (`asks`), `all` that may call tools, "
        "or none (`off`): then a run does not go on after its time to hold it.",
    )
    key: SecretStr | None = setting(
        None,
        "ONEHOP_RECORDING_KEY",
        "Secret that they are sealed with, at least 16 characters, the same on each server; "
        "otherwise one is made and kept in the user's data folder.",
    )
    keep_days: int = setting(
        7, "ONEHOP_RECORDING_DAYS", "Days that they are kept after the end of a run.", ge=0, le=365
    )
    max_size: int = setting(
        16,
        "ONEHOP_RECORDING_MAX",
        "MB that are kept of one run; a run that has more cannot be made again.",
        ge=1,
        le=256,
    )

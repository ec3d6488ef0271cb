"""What is set of one upstream server, by a caller or in a table ``[upstream.NAME]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from onehop.tools import Effect
from onehop.upstreams._refusals import refusal

_Milliseconds = Annotated[float, Field(ge=100, le=3_600_000, allow_inf_nan=False)]
_Texts = tuple[str, ...]
NESTED: Final = "ONEHOP_IS_UPSTREAM"
"""Set for every server that is started: a onehop among them starts none, or it might start itself
without end."""
_REFERENCE: Final = "a secret can be given as env:NAME, file:PATH or keyring:SERVICE/USER"


class OAuthClient(BaseModel):
    """A client that the authorization server knows already: onehop registers none then."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    client_id: str = Field(min_length=1, description=f"Its id. Here {_REFERENCE}.")
    client_secret: str | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description=f"Its secret, if it has one. Here {_REFERENCE}.",
    )
    scope: str | None = Field(default=None, description="What the login asks for.")
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port of this machine that the browser comes back to, where the server "
        "knows the address `http://127.0.0.1:PORT/callback`; any free one otherwise.",
    )


class UpstreamOptions(BaseModel):
    """One MCP server: a command that is run here, or a URL."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    command: _Texts = Field(
        default=(),
        description="The program that is run here and spoken to over its stdin and stdout.",
    )
    args: _Texts = Field(default=(), description="Further arguments of the command.")
    env: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Variables that the command gets beside PATH, HOME, LANG and a few others of "
        f"that kind; it gets no other. Here {_REFERENCE}.",
    )
    cwd: str | None = Field(default=None, description="The folder that the command runs in.")
    url: str | None = Field(
        default=None, repr=False, description="The address of a server that speaks streamable HTTP."
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description=f"Headers of each request to the URL. Here {_REFERENCE}.",
    )
    oauth: OAuthClient | None = Field(
        default=None,
        description="The client that logs in at the URL, where the authorization server lets "
        "nobody register: `client_id`, `client_secret`, `scope`, `port`.",
    )
    timeout: _Milliseconds | None = Field(
        default=None,
        description="Time that one call may take, in ms, where it is less than a run's.",
    )
    connect_timeout: _Milliseconds = Field(
        default=30_000, description="Time to start the server and to learn its tools, in ms."
    )
    concurrency: int = Field(
        default=16, ge=1, le=1024, description="Calls at the same time, of all runs together."
    )
    shared: bool = Field(
        default=False,
        description="Whether all agents use one session; otherwise each has its own, which for a "
        "command means a process of its own.",
    )
    sessions: int = Field(
        default=8, ge=1, le=1024, description="Agents that have a session at the same time."
    )
    idle: _Milliseconds = Field(
        default=300_000, description="Time without a call, in ms, after which a session ends."
    )
    include: _Texts = Field(default=("*",), description="Globs of the tools that are taken.")
    exclude: _Texts = Field(default=(), description="Globs of the tools that are left out.")
    effects: dict[str, Effect] = Field(
        default_factory=dict,
        description="What tools do, by name or glob, in place of what the server says.",
    )
    parse_json: bool = Field(
        default=True,
        description="Whether an answer that is one text, and wholly a JSON object or array, is "
        "given to the code as data.",
    )
    required: bool = Field(
        default=False, description="Whether nothing starts when this server does not."
    )
    protocol: Literal["auto", "legacy"] = Field(
        default="auto",
        description="`legacy` asks for no protocol after 2025; for servers that fail when asked.",
    )

    @field_validator("command", "args", "include", "exclude", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A text is a list of one; and a list is kept as it was."""
        if isinstance(given, str):
            return (given,)
        return tuple(given) if isinstance(given, list) else given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise ValueError("give either a command or a url")
        if self.url is not None:
            _check_url(self.url)
            _refuse_set(self, ("args", "env", "cwd"), "a url")
        else:
            _refuse_set(self, ("headers", "oauth"), "a command")
        return self

    @property
    def argv(self) -> tuple[str, ...]:
        """The command and its arguments."""
        return (*self.command, *self.args)


def read_options(given: Mapping[str, Any], place: str = "upstream") -> UpstreamOptions:
    """The options by their names. Raises ConfigError, which shows no value: it may be secret."""
    try:
        return UpstreamOptions(**given)
    except ValidationError as error:
        raise refusal(error, UpstreamOptions, place, others=("openapi",)) from None


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError("the url must begin with http:// or https:// and name a host")


def _refuse_set(options: UpstreamOptions, names: tuple[str, ...], other: str) -> None:
    for name in names:
        if getattr(options, name):
            raise ValueError(f"{name} has no meaning with {other}")

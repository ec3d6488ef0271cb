"""What is set of one OpenAPI document, by a caller or in a table ``[upstream.NAME]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from onehop.tools import Effect
from onehop.upstreams._refusals import refusal

_Milliseconds = Annotated[float, Field(ge=100, le=3_600_000, allow_inf_nan=False)]
_Texts = tuple[str, ...]
_REFERENCE: Final = "a secret can be given as env:NAME, file:PATH or keyring:SERVICE/USER"
_STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Credential(BaseModel):
    """A secret, and how it is sent, where the document does not say so."""

    model_config = _STRICT

    value: str = Field(repr=False, description=f"The secret; {_REFERENCE}.")
    how: Literal["header", "query", "cookie", "bearer", "basic"] = Field(
        default="bearer", description="`basic` takes `user:password`."
    )
    name: str | None = Field(
        default=None, description="Of the header, the query parameter or the cookie."
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.name is None) != (self.how in ("bearer", "basic")):
            raise ValueError("a header, a query parameter and a cookie have a name, and no other")
        return self


class OpenApiOptions(BaseModel):
    """One OpenAPI document, whose operations are tools."""

    model_config = _STRICT

    openapi: str = Field(
        min_length=1, description="The document: the path of a file in JSON or YAML, or a URL."
    )
    base_url: str | None = Field(
        default=None, description="The API's address, in place of the document's first server."
    )
    variables: dict[str, str] = Field(
        default_factory=dict, description="Values of the variables of the document's server."
    )
    auth: dict[str, str | Credential] = Field(
        default_factory=dict,
        repr=False,
        description="Secrets, by the names of the document's security schemes: a key, a token, "
        "or `user:password`. `{ value, how, name }` stands for a scheme that the document does "
        f"not have. Here {_REFERENCE}.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description=f"Headers of each request to the API. Here {_REFERENCE}.",
    )
    private: bool = Field(
        default=False,
        description="Whether the API and the document may be at a private address, such as "
        "127.0.0.1 or 10.0.0.1. Link-local addresses never are.",
    )
    patches: str | tuple[dict[str, Any], ...] = Field(
        default=(),
        description="Changes of the document before it is read: JSON Patch (RFC 6902) "
        "operations, or the path of a file that has them.",
    )
    timeout: _Milliseconds | None = Field(
        default=None,
        description="Time that one call may take, in ms, where it is less than a run's.",
    )
    connect_timeout: _Milliseconds = Field(
        default=30_000, description="Time to get the document from a URL, in ms."
    )
    concurrency: int = Field(
        default=16, ge=1, le=1024, description="Calls at the same time, of all runs together."
    )
    include: _Texts = Field(
        default=("*",),
        description="Globs of the operations that are taken: of names, or of `GET /path`.",
    )
    exclude: _Texts = Field(default=(), description="Globs of the operations that are left out.")
    effects: dict[str, Effect] = Field(
        default_factory=dict,
        description="What operations do, by name or glob, in place of what their methods say.",
    )
    required: bool = Field(
        default=False, description="Whether nothing starts when the document cannot be had."
    )

    @field_validator("include", "exclude", "patches", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return tuple(given) if isinstance(given, list) else given

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _one(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for name, url in (("openapi", self.url), ("base_url", self.base_url)):
            if url is not None:
                _check_url(name, url)
        return self

    @property
    def url(self) -> str | None:
        """Where the document is got from; None for a file."""
        return self.openapi if "://" in self.openapi else None


def read_openapi_options(given: Mapping[str, Any], place: str = "upstream") -> OpenApiOptions:
    """The options by their names. Raises ConfigError, which shows no value: it may be secret."""
    try:
        return OpenApiOptions(**given)
    except ValidationError as error:
        raise refusal(error, OpenApiOptions, place) from None


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_good = is_good and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(f"{name} must begin with http:// or https:// and name a host")
    if parts.username or parts.password:
        raise ValueError(f"{name} has a password in it: use auth or headers")
    if name == "base_url" and (parts.query or parts.fragment):
        raise ValueError("base_url cannot have a query or a fragment")

"""Secrets that go to the API, and the mask that keeps them out of whatever comes back."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from onehop.errors import ConfigError, ToolError
from onehop.upstreams._secrets import Mask, Resolved, resolve
from onehop.upstreams.openapi._options import OpenApiOptions
from onehop.upstreams.openapi._security import Requirement, Scheme

_FRESH: Final = 60.0
"""Seconds after which references are followed again: a secret may have been changed."""


@dataclass(frozen=True)
class Sent:
    """What goes with a request, by place; ``mask`` hides it in the answer."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    cookies: Mapping[str, str]


@dataclass(frozen=True)
class _Known:
    """The secrets as they are at one time."""

    headers: Mapping[str, str]
    schemes: Mapping[str, tuple[Scheme, str]]
    mask: Mask
    read: float


class Credentials:
    """Of one upstream."""

    def __init__(
        self,
        options: OpenApiOptions,
        schemes: Mapping[str, Scheme],
        place: str,
        environ: Mapping[str, str],
    ) -> None:
        """Raises ConfigError for a scheme that the document does not have."""
        self._options = options
        self._place = place
        self._environ = environ
        self._ways = {name: self._way(name, schemes) for name in options.auth}
        self._known: _Known | None = None
        self._turn = asyncio.Lock()

    async def known(self) -> _Known:
        """The secrets. Raises ToolError (``auth_required``) for a reference that leads nowhere."""
        async with self._turn:
            if self._known is None or time.monotonic() - self._known.read > _FRESH:
                try:
                    self._known = await asyncio.to_thread(self._read)
                except ConfigError as error:
                    raise ToolError("auth_required", str(error)) from None
            return self._known

    def forget(self) -> None:
        """The API has refused them: they are read again before the next call."""
        self._known = None

    def sent(self, known: _Known, security: tuple[Requirement, ...] | None) -> Sent:
        """What an operation gets that has these alternatives."""
        headers, query, cookies = dict(known.headers), {}, {}
        for name in self._chosen(security):
            scheme, value = known.schemes[name]
            if scheme.how == "query":
                query[scheme.name] = value
            elif scheme.how == "cookie":
                cookies[scheme.name] = value
            else:
                headers[scheme.name] = value
        return Sent(headers, query, cookies)

    def missing(self, security: tuple[Requirement, ...] | None) -> list[str]:
        """Schemes that want a secret, and have none."""
        wanted = {name for one in security or () for name in one}
        return sorted(wanted - self._ways.keys())

    def _chosen(self, security: tuple[Requirement, ...] | None) -> list[str]:
        """Those of the first alternative that all are there of; always those that the document
        does not have; and all, where the document says nothing."""
        own = [name for name, given in self._options.auth.items() if not isinstance(given, str)]
        if security is None:
            return list(self._ways)
        fitting = (one for one in security if one <= self._ways.keys())
        return list(dict.fromkeys([*own, *sorted(next(fitting, ()))]))

    def _way(self, name: str, schemes: Mapping[str, Scheme]) -> Scheme:
        given = self._options.auth[name]
        if not isinstance(given, str):
            return Scheme(given.how, given.name or "Authorization")
        if name in schemes:
            return schemes[name]
        there = ", ".join(sorted(schemes)) or "none"
        raise ConfigError(
            f"{self._place}.auth.{name}",
            f"the document has no such security scheme; it has: {there}. "
            "Write { value, how, name } for one that it does not have",
        )

    def _read(self) -> _Known:
        headers = Resolved(self._options.headers, f"{self._place}.headers", self._environ)
        secrets = list(headers.secrets)
        found: dict[str, tuple[Scheme, str]] = {}
        for name, scheme in self._ways.items():
            given = self._options.auth[name]
            text = given if isinstance(given, str) else given.value
            secret = resolve(text, f"{self._place}.auth.{name}", self._environ)
            found[name] = scheme, _written(scheme, secret)
            secrets += _forms(scheme, secret)
        for name, value in [*headers.values.items(), *((n, v) for n, (_, v) in found.items())]:
            if not value.isascii() or not value.isprintable():
                where = f"{self._place}: the secret for {name}"
                raise ConfigError(where, "it has characters that no request can carry")
        return _Known(headers.values, found, Mask(secrets), time.monotonic())


def _written(scheme: Scheme, secret: str) -> str:
    if scheme.how == "bearer":
        return f"Bearer {secret}"
    if scheme.how == "basic":
        return f"Basic {base64.b64encode(secret.encode()).decode()}"
    return secret


def _forms(scheme: Scheme, secret: str) -> Iterator[str]:
    """The secret as it may come back."""
    yield secret
    yield quote(secret, safe="")
    if scheme.how == "basic":
        yield base64.b64encode(secret.encode()).decode()
        yield secret.partition(":")[2]

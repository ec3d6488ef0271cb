"""One request to the dashboard: who is there, and what the page may be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from onehop.errors import InvalidRequestError
from onehop.server.dashboard._segments import name_of
from onehop.server.http._routing import Parts
from onehop.server.principal import Principal

FRESH: Final = 0.5
"""Seconds that the store has to take what has just ended, before it is read."""
_FIELDS: Final = 32
_FORM: Final = 16 * 1024
"""Bytes of a form: all that the pages send are short."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A viewer or an admin, who asks for a page."""

    request: Request
    parts: Parts
    principal: Principal
    token: str = field(repr=False)
    """What every form of the page carries."""
    logs_out: bool = True
    """Whether there is a session to end: not where keys are off."""

    @property
    def is_admin(self) -> bool:
        """Whether the key may manage agents."""
        return self.principal.role == "admin"

    @property
    def can_decide(self) -> bool:
        """Whether the person may decide about calls: known by a key, and in no other's name."""
        who = self.principal
        is_known = self.parts.settings.auth and who.agent_id == who.holder
        return is_known and who.role in ("approver", "admin")

    def named(self, name: str) -> str:
        """What a part of the address names."""
        return name_of(self.request.path_params[name])

    @property
    def asked(self) -> dict[str, str]:
        """What the address says after the question mark, each once; empty values are left out:
        a form sends them for what was not filled in. Raises InvalidRequestError."""
        found = dict[str, str]()
        for name, value in self.request.query_params.multi_items():
            if name in found:
                raise InvalidRequestError(name[:80], "two values", "given once")
            found[name] = value
        return {name: value for name, value in found.items() if value != ""}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is made of."""

    template: str
    facts: Mapping[str, Any]
    status: int = 200


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises InvalidRequestError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InvalidRequestError("body", kind[:80] or "no Content-Type", "a form of this page")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM:
            raise InvalidRequestError("body", "more than 16 KiB", "a form of this page")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict"
        )
    except ValueError:
        raise InvalidRequestError(
            "body", "text that is not a form", "a form of this page"
        ) from None
    return {name: value.strip().replace("\r\n", "\n") for name, value in pairs}

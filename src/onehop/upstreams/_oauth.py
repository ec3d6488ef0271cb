"""Requests with a token of OAuth: refreshed when it ends, by one of all who use it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import httpx2
from mcp.client.auth.oauth2 import OAuthContext
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
)
from pydantic import AnyUrl, ValidationError

from onehop.upstreams._tokens import Login, TokenFile

_SECONDS: Final = 30.0
_LARGEST: Final = 256 * 1024
NAME: Final = "onehop"


class KeptToken(httpx2.Auth):
    """Adds the token to each request of one server; without a login it adds nothing."""

    def __init__(
        self,
        url: str,
        file: TokenFile,
        on_secret: Callable[[str], None],
        client_secret: str | None = None,
    ) -> None:
        """``on_secret`` hears of each token before it is used; ``client_secret`` is that of the
        settings, which is not in the file."""
        self._client_secret = client_secret
        self._url = url
        self._file = file
        self._on_secret = on_secret
        self._login: Login | None = None
        self._turn = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Once more, with another token, if the server does not want this one."""
        token = await self._token(None)
        if token is None:
            yield request
            return
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401 and (other := await self._token(token)) is not None:
            request.headers["Authorization"] = f"Bearer {other}"
            yield request

    async def _token(self, refused: str | None) -> str | None:
        """A token that is not the ``refused`` one. None if there is none."""
        async with self._turn:
            login = self._login
            if login is None or login.access == refused or not login.is_fresh():
                login = self._login = await self._next(refused)
        if login is None or login.access == refused:
            return None
        self._on_secret(login.access)
        return login.access

    async def _next(self, refused: str | None) -> Login | None:
        """What another process has got meanwhile, or a refreshed one."""
        async with self._file.locked():
            kept = self._file.read(self._url)
            if kept is None or (kept.access != refused and kept.is_fresh()):
                return kept
            fresh = await refreshed(self._url, self._whole(kept))
            if fresh is not None:
                self._file.write(self._url, self._kept(fresh))
            return fresh

    def _whole(self, login: Login) -> Login:
        return login.with_secret(self._client_secret) if self._client_secret else login

    def _kept(self, login: Login) -> Login:
        return login.with_secret(None) if self._client_secret else login


def context_of(url: str, login: Login) -> OAuthContext:
    """As the SDK has it."""
    return OAuthContext(
        server_url=url,
        client_metadata=metadata_of("http://127.0.0.1/callback"),
        storage=None,  # type: ignore[arg-type]
        redirect_handler=None,
        callback_handler=None,
        current_tokens=OAuthToken.model_validate(login.tokens),
        client_info=OAuthClientInformationFull.model_validate(login.client),
        oauth_metadata=None
        if login.metadata is None
        else OAuthMetadata.model_validate(login.metadata),
    )


def metadata_of(redirect: str, scope: str | None = None) -> OAuthClientMetadata:
    """What onehop says of itself when it registers."""
    return OAuthClientMetadata(
        client_name=NAME,
        redirect_uris=[AnyUrl(redirect)],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=scope,
    )


async def refreshed(url: str, login: Login) -> Login | None:
    """None if the authorization server does not refresh it: a person has to log in again."""
    context = context_of(url, login)
    tokens = context.current_tokens
    if tokens is None or not tokens.refresh_token or context.oauth_metadata is None:
        return None
    data = {
        "grant_type": "refresh_token",
        "refresh_token": tokens.refresh_token,
        "client_id": context.client_info.client_id if context.client_info else "",
        "resource": context.get_resource_url(),
    }
    headers = {"accept": "application/json"}
    data, headers = context.prepare_token_auth(data, headers)
    endpoint = str(context.oauth_metadata.token_endpoint)
    answer = await _post(endpoint, data, headers)
    return None if answer is None else _merged(login, answer)


async def revoked(url: str, login: Login) -> bool:
    """Have the authorization server end a login (RFC 7009); False if it does not."""
    context = context_of(url, login)
    metadata, tokens = context.oauth_metadata, context.current_tokens
    if metadata is None or metadata.revocation_endpoint is None or tokens is None:
        return False
    data = {
        "token": tokens.refresh_token or tokens.access_token,
        "client_id": context.client_info.client_id if context.client_info else "",
    }
    data, headers = context.prepare_token_auth(data, {"accept": "application/json"})
    try:
        async with httpx2.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client:
            endpoint = str(metadata.revocation_endpoint)
            async with client.stream("POST", endpoint, data=data, headers=headers) as response:
                return response.status_code == 200
    except httpx2.HTTPError:
        return False


async def _post(url: str, data: dict[str, str], headers: dict[str, str]) -> OAuthToken | None:
    async with (
        httpx2.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client,
        client.stream("POST", url, data=data, headers=headers) as response,
    ):
        if response.status_code != 200:
            return None
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST:
                return None
    try:
        return OAuthToken.model_validate_json(body)
    except ValidationError:
        return None


def _merged(login: Login, tokens: OAuthToken) -> Login:
    """A server that says nothing of the refresh token keeps it as it was."""
    given = {**login.tokens, **tokens.model_dump(mode="json", exclude_none=True)}
    return login_of(given, login.client, login.metadata)


def login_of(
    tokens: dict[str, Any], client: dict[str, Any], metadata: dict[str, Any] | None
) -> Login:
    """With the time at which its token ends."""
    seconds = tokens.get("expires_in")
    ends = time.time() + seconds if isinstance(seconds, int | float) else None
    return Login(tokens, client, metadata, ends)

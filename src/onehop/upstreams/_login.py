"""A person logs in at a server: a browser goes there, and comes back to a port of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth.exceptions import OAuthFlowError
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl

from onehop.errors import ConfigError
from onehop.upstreams._oauth import login_of, metadata_of, revoked
from onehop.upstreams._options import OAuthClient
from onehop.upstreams._tokens import TokenFile

_PATIENCE: Final = 300.0
"""Seconds that the person has."""
_LINE: Final = 16 * 1024
_DONE: Final = b"You are logged in. You can close this page.\n"
_FIRST: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "onehop", "version": "1"},
    },
}
Logout = Literal["nobody", "ended", "kept"]
"""Nobody was logged in; the server has ended the login; or its tokens end by themselves."""
REGISTERED: Final = OAuthClient(client_id="-")
"""Stands for a client that onehop registers."""
Show = Callable[[str], None]
"""Shows a person the address to go to."""


class _Memory:
    """What the SDK stores, until all is there."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def log_in(url: str, file: TokenFile, show: Show, preset: OAuthClient = REGISTERED) -> None:
    """Have a person log in at the MCP server ``url``, and keep the tokens. ``preset`` is a client
    of the settings, its references replaced; without its id, onehop registers one. Raises
    ConfigError."""
    memory = _Memory()
    async with _callback(preset.port or 0) as (redirect, came):
        if preset is not REGISTERED:
            memory.client = _known(preset, redirect)

        async def go(address: str) -> None:
            show(address)

        async def wait() -> AuthorizationCodeResult:
            async with asyncio.timeout(_PATIENCE):
                return await came

        provider = OAuthClientProvider(url, metadata_of(redirect, preset.scope), memory, go, wait)
        try:
            await _ask(url, provider)
        except TimeoutError:
            raise ConfigError(url, f"nobody logged in within {_PATIENCE:g} s") from None
        except (OAuthFlowError, httpx2.HTTPError) as error:
            raise ConfigError(url, f"the login failed: {str(error)[:500]}") from None
    if memory.tokens is None or memory.client is None:
        raise ConfigError(url, "the server does not ask for a login")
    metadata = provider.context.oauth_metadata
    login = login_of(
        memory.tokens.model_dump(mode="json", exclude_none=True),
        memory.client.model_dump(mode="json", exclude_none=True),
        None if metadata is None else metadata.model_dump(mode="json", exclude_none=True),
    )
    async with file.locked():
        file.write(url, login if preset.client_secret is None else login.with_secret(None))


async def log_out(url: str, file: TokenFile, preset: OAuthClient = REGISTERED) -> Logout:
    """Forget the login at ``url``, and have the server end it. Raises ConfigError."""
    async with file.locked():
        login = file.read(url)
        if login is None:
            return "nobody"
        file.write(url, None)
    secret = preset.client_secret
    return "ended" if await revoked(url, login.with_secret(secret) if secret else login) else "kept"


def _known(preset: OAuthClient, redirect: str) -> OAuthClientInformationFull:
    return OAuthClientInformationFull(
        client_id=preset.client_id,
        client_secret=preset.client_secret,
        token_endpoint_auth_method="client_secret_basic" if preset.client_secret else "none",
        redirect_uris=[AnyUrl(redirect)],
        grant_types=["authorization_code", "refresh_token"],
        scope=preset.scope,
    )


async def _ask(url: str, provider: OAuthClientProvider) -> None:
    """Any request makes the SDK ask for a login, if the server wants one."""
    headers = {"Accept": "application/json, text/event-stream"}
    async with (
        httpx2.AsyncClient(auth=provider, timeout=_PATIENCE) as client,
        client.stream("POST", url, json=_FIRST, headers=headers) as response,
    ):
        if response.status_code >= 400:
            raise OAuthFlowError(f"the server answered with HTTP {response.status_code}")


@asynccontextmanager
async def _callback(
    port: int,
) -> AsyncIterator[tuple[str, asyncio.Future[AuthorizationCodeResult]]]:
    """Where the browser comes back to, and what it brings."""
    came: asyncio.Future[AuthorizationCodeResult] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), 10)
            result = _result(line)
            status = b"200 OK" if result is not None else b"404 Not Found"
            body = _DONE if result is not None else b""
            head = b"HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
            writer.write(head % (status, len(body)) + b"connection: close\r\n\r\n" + body)
            await writer.drain()
            if result is not None and not came.done():
                came.set_result(result)
        except (OSError, ValueError, TimeoutError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, "127.0.0.1", port, limit=_LINE)
    except OSError as error:
        raise ConfigError("oauth.port", f"it cannot be listened on: {error.strerror}") from None
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback", came


def _result(line: bytes) -> AuthorizationCodeResult | None:
    """Of ``GET /callback?code=…&state=… HTTP/1.1``."""
    parts = line.decode("latin-1").split(" ")
    if len(parts) != 3 or parts[0] != "GET":
        return None
    url = urlsplit(parts[1])
    given: dict[str, Any] = {name: values[0] for name, values in parse_qs(url.query).items()}
    if url.path != "/callback" or not given.keys() & {"code", "error"}:
        return None
    return AuthorizationCodeResult(
        code=given.get("code", ""), state=given.get("state"), iss=given.get("iss")
    )

"""The door of the dashboard: login, logout, and who may see a page."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from onehop.errors import InvalidRequestError, UnauthorizedError
from onehop.server._errors import ForbiddenError, TooMuchAtOnceError, problem_of
from onehop.server.asgi._scope import REQUEST_ID
from onehop.server.dashboard._cookies import cookie_of, drop_cookie, is_from_here, set_cookie
from onehop.server.dashboard._frame import HEADERS, Frame, up_from
from onehop.server.dashboard._sessions import Session, Sessions
from onehop.server.dashboard._visit import Page, Visit, read_form
from onehop.server.http._routing import Parts
from onehop.server.principal import Principal

Look = Callable[[Visit], Awaitable[Page | Response]]
Act = Callable[[Visit, dict[str, str]], Awaitable[Page | Response]]
Count = Callable[[Visit], Awaitable[int]]
Endpoint = Callable[[Request], Awaitable[Response]]

_WRONG: Final = "This key is not known, or it was revoked. Keys start with oh_."
_AN_AGENT: Final = (
    "This key belongs to an agent, which may run code but not watch others. Make a key that may "
    "look: onehop agents add NAME --role viewer"
)
_FROM_ELSEWHERE: Final = (
    "the form did not come from a page of this server; open it here and try again"
)


class Door:
    """Lets viewers and admins in: with a session's cookie, or anybody where keys are off.
    ``count`` tells how many calls wait for a decision."""

    def __init__(self, parts: Parts, sessions: Sessions, frame: Frame, count: Count) -> None:
        self._count = count
        self._parts = parts
        self._sessions = sessions
        self._frame = frame

    def page(self, look: Look) -> Endpoint:
        """An endpoint that shows what ``look`` gives; strangers are sent to the login."""

        async def endpoint(request: Request) -> Response:
            return await self._guarded(request, lambda: self._shown(request, look))

        return endpoint

    def form(self, act: Act) -> Endpoint:
        """An endpoint for a form of one of the pages."""

        async def endpoint(request: Request) -> Response:
            return await self._guarded(request, lambda: self._done(request, act))

        return endpoint

    def login(self) -> Endpoint:
        """The page that asks for a key, and what takes it."""

        async def endpoint(request: Request) -> Response:
            work = self._log_in if request.method == "POST" else self._ask
            return await self._guarded(request, lambda: work(request))

        return endpoint

    async def log_out(self, visit: Visit, _form: dict[str, str]) -> Response:
        """End the session of this browser."""
        session = self._session(visit.request)
        if session is not None:
            self._sessions.end(session)
        answer = _redirect(visit.request, "dashboard/login")
        drop_cookie(visit.request, answer)
        return answer

    # -- in

    async def _shown(self, request: Request, look: Look) -> Response:
        visit = await self._visit(request)
        if visit is None:
            return self._to_login(request)
        return await self._answer(visit, await look(visit))

    async def _done(self, request: Request, act: Act) -> Response:
        if not is_from_here(request):
            raise ForbiddenError(_FROM_ELSEWHERE)
        visit = await self._visit(request)
        if visit is None:
            return self._to_login(request)
        form = await read_form(request)
        if not hmac.compare_digest(form.pop("token", "").encode(), visit.token.encode()):
            raise ForbiddenError(_FROM_ELSEWHERE)
        return await self._answer(visit, await act(visit, form))

    async def _answer(self, visit: Visit, found: Page | Response) -> Response:
        if isinstance(found, Response):
            return found
        waits = {"waits": await self._count(visit)}
        facts = {**waits, **self._common(visit), **found.facts}
        up = up_from(visit.request.scope)
        return await self._frame.page(found.template, facts, up=up, status=found.status)

    def _common(self, visit: Visit) -> dict[str, Any]:
        return {
            "visitor": visit.principal.holder,
            "is_admin": visit.is_admin,
            "token": visit.token,
            "logs_out": visit.logs_out,
            "theme": theme_of(visit.request),
            "origin": str(visit.request.base_url).rstrip("/"),
        }

    async def _visit(self, request: Request) -> Visit | None:
        session = self._session(request)
        principal = await self._principal(request, session)
        if principal is None or not principal.sees_all:
            return None
        token = self._sessions.token_for(session)
        return Visit(request, self._parts, principal, token, session is not None)

    async def _principal(self, request: Request, session: Session | None) -> Principal | None:
        if not self._parts.settings.auth:
            return await self._parts.authenticate(request.scope)
        if session is None:
            return None
        agent = await self._parts.agents.find(session.key_id)
        if agent is None or not session.is_of(agent):
            self._sessions.end(session)
            return None
        return self._parts.authenticate.admit(request.scope, agent)

    def _session(self, request: Request) -> Session | None:
        token = cookie_of(request) if self._parts.settings.auth else None
        return self._sessions.find(token) if token else None

    # -- login

    def _to_login(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-dest", "document") == "empty":  # a script asks
            raise UnauthorizedError
        path = request.url.path.removeprefix("/")
        if request.method != "GET":
            path = "dashboard"
        query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
        wanted = "" if path == "dashboard" else f"?next={quote(path + query, safe='')}"
        return _redirect(request, f"dashboard/login{wanted}")

    async def _ask(self, request: Request) -> Response:
        wanted = request.query_params.get("next", "")
        if await self._visit(request) is not None:
            return _redirect(request, _inside(wanted))
        self._frame.warm()
        return await self._login_page(request, wanted)

    async def _log_in(self, request: Request) -> Response:
        if not is_from_here(request):
            raise ForbiddenError(_FROM_ELSEWHERE)
        form = await read_form(request)
        wanted = form.get("next", "")
        try:
            agent = await self._parts.authenticate.holder(request.scope, form.get("key", ""))
        except UnauthorizedError:
            return await self._login_page(request, wanted, _WRONG, 401)
        except TooMuchAtOnceError as error:
            return await self._login_page(request, wanted, f"Wait a minute: {error}.", 429)
        if agent.role == "agent":
            return await self._login_page(request, wanted, _AN_AGENT, 403)
        earlier = self._session(request)
        if earlier is not None:
            self._sessions.end(earlier)
        answer = _redirect(request, _inside(wanted))
        set_cookie(request, answer, self._sessions.begin(agent))
        return answer

    async def _login_page(
        self, request: Request, wanted: str, problem: str = "", status: int = 200
    ) -> Response:
        facts = {
            "problem": problem,
            "next": _inside(wanted),
            "theme": theme_of(request),
            "hours": f"{self._parts.settings.session_lifetime / 3_600_000:.3g}",
        }
        up = up_from(request.scope)
        return await self._frame.page("login.html", facts, up=up, status=status)

    # -- errors

    async def _guarded(self, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
        try:
            return await work()
        except Exception as error:
            problem = problem_of(error)
            if request.headers.get("sec-fetch-dest") == "empty":
                body = problem.body(request.scope[REQUEST_ID])
                return Response(
                    body,
                    problem.status,
                    headers={**HEADERS, **problem.headers},
                    media_type="application/json",
                )
            facts = {
                "problem": problem,
                "request_id": request.scope[REQUEST_ID],
                "theme": theme_of(request),
            }
            up = up_from(request.scope)
            answer = await self._frame.page("error.html", facts, up=up, status=problem.status)
            answer.headers.update(problem.headers)
            return answer


def theme_of(request: Request) -> str:
    """Light or dark as the reader chose; empty: as the system has it."""
    chosen = request.cookies.get("onehop_theme", "")
    return chosen if chosen in ("light", "dark") else ""


def _inside(wanted: str) -> str:
    """Where to go after the login: a page of the dashboard, never anywhere else."""
    parts = urlsplit(wanted)
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and ".." not in wanted
    inside = parts.path == "dashboard" or parts.path.startswith("dashboard/")
    if plain and inside and not parts.scheme and not parts.netloc and len(wanted) <= 2000:
        return wanted
    return "dashboard"


def _redirect(request: Request, path: str) -> Response:
    """To a path seen from the root; relative, for a proxy that puts a path in front."""
    location = up_from(request.scope) + path
    return Response(status_code=303, headers={**HEADERS, "Location": location})


def redirect(visit: Visit, path: str) -> Response:
    """After a form: to the page that shows what came of it."""
    return _redirect(visit.request, path)


def need_admin(visit: Visit) -> None:
    """Raise ForbiddenError for a viewer."""
    if not visit.is_admin:
        raise ForbiddenError("only an admin's key may do this")


def field(form: dict[str, str], name: str) -> str:
    """A field that must be there. Raises InvalidRequestError."""
    value = form.get(name, "")
    if not value:
        raise InvalidRequestError(name, "nothing", "filled in")
    return value

"""Who gets in, and what nobody gets past."""

from __future__ import annotations

import html
import json
import re
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.requests import Request

from onehop.server.dashboard._cookies import cookie_of
from onehop.server.dashboard._sessions import Sessions
from onehop.stores.base import AgentRecord
from tests.dashboard.visiting import Elements, Visitor
from tests.server.served import Served, run
from tests.users import ROOT
from tests.waiting import until

PAGES = (
    "/dashboard",
    "/dashboard/live",
    "/dashboard/live/events",
    "/dashboard/executions",
    "/dashboard/executions/some",
    "/dashboard/executions/some/output.json",
    "/dashboard/compare?left=a&right=b",
    "/dashboard/approvals",
    "/dashboard/agents",
    "/dashboard/agents/ada",
    "/dashboard/tools",
    "/dashboard/snippets",
    "/dashboard/snippets/some",
    "/dashboard/security",
    "/dashboard/whatever",
)
FORMS = (
    "/dashboard/logout",
    "/dashboard/approvals",
    "/dashboard/agents",
    "/dashboard/agents/ada/rotate",
    "/dashboard/agents/ada/revoke",
    "/dashboard/agents/ada/limits",
    "/dashboard/security/verify",
    "/dashboard/executions/some/replay",
    "/dashboard/executions/some/snippet",
    "/dashboard/snippets/some/remove?whose=all",
)
CHANGES = (
    "/dashboard/approvals",
    "/dashboard/agents",
    "/dashboard/agents/ada/rotate",
    "/dashboard/agents/ada/revoke",
    "/dashboard/agents/ada/limits",
    "/dashboard/executions/some/replay",
    "/dashboard/executions/some/snippet",
    "/dashboard/snippets/some/remove?whose=all",
)


@pytest.fixture
def stranger(served: Served) -> Iterator[Visitor]:
    """Without a key."""
    found = Visitor(served.url)
    yield found
    found.close()


@pytest.fixture
def viewer(served: Served, viewer_key: str) -> Iterator[Visitor]:
    """Who may look."""
    found = Visitor(served.url)
    assert found.log_in(viewer_key).status_code == 303
    yield found
    found.close()


@pytest.fixture
def admin(served: Served, admin_key: str) -> Iterator[Visitor]:
    """Who may change agents."""
    found = Visitor(served.url)
    assert found.log_in(admin_key).status_code == 303
    yield found
    found.close()


@pytest.mark.sample(5)
@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_sent_to_the_login_and_see_nothing(stranger: Visitor, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path.endswith("dashboard/login")
    assert answer.content == b""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/dashboard/", "../dashboard"),
        ("/dashboard/agents/ada/", "../ada"),
        ("/dashboard//elsewhere.example/", "../elsewhere.example"),
        ("/dashboard/javascript:x/", "../javascript%3Ax"),
    ],
)
def test_an_address_with_a_slash_at_its_end_leads_to_the_page(
    stranger: Visitor, path: str, place: str
) -> None:
    assert stranger.get(path).headers["location"] == place


@pytest.mark.parametrize("path", FORMS)
def test_strangers_change_nothing(stranger: Visitor, path: str) -> None:
    data = {"token": "0" * 64, "agentId": "new"}
    answer = stranger.http.post(path, data=data, headers=stranger.origin)
    assert (answer.status_code, answer.content) == (303, b"")


def test_a_script_of_a_stranger_is_refused_plainly(stranger: Visitor) -> None:
    answer = stranger.get("/dashboard/live/events", **{"Sec-Fetch-Dest": "empty"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"


def test_the_login_says_what_is_wrong_with_a_key(stranger: Visitor, served: Served) -> None:
    assert stranger.log_in("").status_code == 401
    wrong = stranger.log_in("oh_" + "0" * 16 + "_" + "0" * 64)
    assert (wrong.status_code, "not known" in wrong.text) == (401, True)
    agent = stranger.log_in(served.key("only-an-agent"))
    assert (agent.status_code, "--role viewer" in agent.text) == (403, True)
    assert not stranger.http.cookies


def test_the_key_is_in_no_page_and_the_cookie_is_not_the_key(
    viewer: Visitor, viewer_key: str
) -> None:
    [(name, value)] = viewer.http.cookies.items()
    assert name.startswith("onehop_")
    assert viewer_key[4:20] not in value
    for path in ("/dashboard", "/dashboard/agents", "/dashboard/agents/watcher"):
        text = viewer.get(path).text
        assert value not in text
        assert viewer_key.rpartition("_")[2] not in text
        assert viewer_key.split("_")[1] not in text  # nor its id: viewers read no keys


def test_the_cookie_is_for_this_server_alone(stranger: Visitor, viewer_key: str) -> None:
    cookie = stranger.log_in(viewer_key).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie  # over plain HTTP a browser would not take it
    behind = {"Origin": stranger.url.replace("http", "https"), "Sec-Fetch-Site": "same-origin"}
    host = urlsplit(stranger.url).netloc
    answer = stranger.http.post(
        "/dashboard/login",
        data={"key": viewer_key},
        headers={**behind, "Host": host},
    )
    assert answer.status_code in (303, 403)  # loopback behind TLS is not a place that is served
    if answer.status_code == 303:
        assert answer.headers["set-cookie"].startswith("__Host-onehop_")


def test_a_cookie_without_tls_opens_nothing_over_tls(viewer: Visitor) -> None:
    assert viewer.get("/dashboard").status_code == 200
    fixed = viewer.get("/dashboard", **{"X-Forwarded-Proto": "https"})
    assert (fixed.status_code, "dashboard/login" in fixed.headers["location"]) == (303, True)
    [(name, value)] = viewer.http.cookies.items()
    viewer.http.cookies.clear()
    viewer.http.cookies.set(f"__Host-{name}", value)
    for proxy in ({"X-Forwarded-Proto": "https"}, {}):  # not every proxy says what it ends
        assert viewer.get("/dashboard", **proxy).status_code == 200


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({"Host": "runs.example"}, True),
        ({"Host": "localhost:8080", "Sec-Fetch-Site": "none"}, True),
        ({"Host": "[::1]:8080", "Sec-Fetch-Site": "none"}, True),
        ({"Host": "runs.example", "Sec-Fetch-Site": "none"}, False),
        ({"Host": "runs.example", "Origin": "https://runs.example"}, False),
        ({"Host": "runs.example", "X-Forwarded-Proto": "https"}, False),
    ],
)
def test_the_plain_cookie_counts_only_where_the_browser_has_no_tls(
    headers: dict[str, str], counts: bool
) -> None:
    port = headers["Host"].rpartition(":")[2]
    name = f"onehop_{port if port.isdigit() else 'session'}"
    sent = {**headers, "Cookie": f"{name}=planted"}
    raw = [(key.lower().encode(), value.encode()) for key, value in sent.items()]
    scope = {"type": "http", "scheme": "http", "path": "/dashboard", "headers": raw}
    assert cookie_of(Request(scope)) == ("planted" if counts else None)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "OWN", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "OWN", "Sec-Fetch-Site": "same-site"},
        {"Origin": "OWN", "Sec-Fetch-Site": "none"},
    ],
)
def test_forms_from_elsewhere_are_refused_even_with_the_token(
    admin: Visitor, admin_key: str, headers: dict[str, str]
) -> None:
    sent = {name: admin.url if value == "OWN" else value for name, value in headers.items()}
    token = admin.token()
    answer = admin.http.post(
        "/dashboard/agents", data={"token": token, "agentId": "forged"}, headers=sent
    )
    assert answer.status_code == 403
    login = admin.http.post("/dashboard/login", data={"key": admin_key}, headers=sent)
    assert login.status_code == 403
    assert "set-cookie" not in login.headers
    assert "forged" not in admin.get("/dashboard/agents").text


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_forms_without_the_sessions_token_are_refused(admin: Visitor, token: str) -> None:
    answer = admin.http.post(
        "/dashboard/agents", data={"token": token, "agentId": "forged"}, headers=admin.origin
    )
    assert answer.status_code == 403


def test_the_token_of_one_session_is_worth_nothing_in_another(
    admin: Visitor, viewer: Visitor
) -> None:
    answer = admin.http.post(
        "/dashboard/agents",
        data={"token": viewer.token(), "agentId": "forged"},
        headers=admin.origin,
    )
    assert answer.status_code == 403


@pytest.mark.sample(3)
@pytest.mark.parametrize("path", CHANGES)
def test_a_viewer_changes_no_agent(viewer: Visitor, ada: httpx2.Client, path: str) -> None:
    answer = viewer.send(path, {"agentId": "new", "role": "admin"})
    assert answer.status_code == 403
    assert ada.get("/api/v1/me").status_code == 200


def test_an_admin_changes_the_limits_that_the_page_has_shown(
    admin: Visitor, served: Served
) -> None:
    path = "/dashboard/agents/limited"
    with served.client(served.key("limited", max_runs=5)) as agent:
        known = {"maxRunsWas": "5", "maxRateWas": "", "maxBodyWas": ""}
        answer = admin.send(f"{path}/limits", {**known, "maxRuns": "", "maxRate": "1"})
        assert answer.headers["location"].endswith("/agents/limited#limits")
        assert run(agent, "return 1").status_code == 200
        assert run(agent, "return 1").status_code == 429
        stale = admin.send(f"{path}/limits", {**known, "maxRuns": "9"})
        wrong = admin.send(f"{path}/limits", {**known, "maxRuns": "many"})
        assert (stale.status_code, wrong.status_code) == (400, 400)
        assert "somebody else has changed the limits" in html.unescape(stale.text)
        assert 'name="maxRateWas" value="1"' in admin.get(path).text


def test_causes_and_tools_lead_to_their_runs(
    viewer: Visitor, ada: httpx2.Client, served: Served
) -> None:
    with served.client(served.key("linking")) as agent:
        failed = run(agent, "throw new Error('no')").headers["x-request-id"]
        call = run(agent, "return await tools.find_orders({customer: 'c'})")
        called = call.headers["x-request-id"]

    def leads(page: str, words: str) -> str:
        def found() -> list[str]:  # a page may come before its counts
            return [link for link in Elements(viewer.get(page).text).links() if words in link]

        return viewer.get("/" + until(found, words)[0].replace("../", "")).text

    runs = leads("/dashboard/agents/linking", "errorType=runtime")
    assert failed in runs
    assert called not in runs
    runs = leads("/dashboard/agents/linking", "tool=find_orders")
    assert called in runs
    assert failed not in runs
    assert called in leads("/dashboard/tools", "tool=find_orders")


def test_nothing_is_changed_by_following_a_link(admin: Visitor, ada: httpx2.Client) -> None:
    for path in ("/dashboard/agents/ada/rotate", "/dashboard/agents/ada/revoke"):
        assert admin.get(path).status_code == 404
    assert ada.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "é", "0" * 43, "A" * 5000])
def test_forged_cookies_open_nothing(served: Served, viewer: Visitor, cookie: str) -> None:
    [(name, _)] = viewer.http.cookies.items()
    sent = f"{name}={cookie}".encode("latin-1")
    answer = httpx2.get(served.url + "/dashboard", headers=[(b"Cookie", sent)])
    assert answer.status_code == 303


def test_a_logged_out_cookie_opens_nothing(viewer: Visitor) -> None:
    kept = dict(viewer.http.cookies.items())
    assert viewer.send("/dashboard/logout").status_code == 303
    assert not viewer.http.cookies
    viewer.http.cookies.update(kept)
    assert viewer.get("/dashboard").status_code == 303


def test_a_session_ends_with_its_key(served: Served) -> None:
    key = served.key("passing", "viewer")
    person = Visitor(served.url)
    person.log_in(key)
    assert person.get("/dashboard").status_code == 200
    served.revoke("passing")
    until(lambda: person.get("/dashboard").status_code == 303, "the end of the session")
    person.close()


def test_a_cookie_is_no_key_of_the_api(viewer: Visitor) -> None:
    assert viewer.get("/api/v1/executions").status_code == 401
    assert viewer.get("/mcp").status_code in (401, 405, 406)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/dashboard",
        "dashboard/../../elsewhere",
        "dashboard\\..\\x",
        "javascript:alert(1)",
        "dashboard\r\nSet-Cookie: a=b",
        "api/v1/me",
    ],
)
def test_the_login_leads_to_no_other_place(stranger: Visitor, viewer_key: str, wanted: str) -> None:
    location = stranger.log_in(viewer_key, next=wanted).headers["location"]
    assert location == "../dashboard"


def test_a_deep_link_is_reached_after_the_login(stranger: Visitor, viewer_key: str) -> None:
    asked = stranger.get("/dashboard/executions?agentId=ada&outcome=failed")
    login = stranger.get(asked.headers["location"].removeprefix(".."))
    [wanted] = re.findall(r'name="next" value="([^"]*)"', login.text)
    answer = stranger.log_in(viewer_key, next=wanted.replace("&amp;", "&"))
    assert answer.headers["location"] == "../dashboard/executions?agentId=ada&outcome=failed"


def test_every_page_forbids_what_it_does_not_need(viewer: Visitor, stranger: Visitor) -> None:
    for person, path in [(stranger, "/dashboard/login"), *((viewer, path) for path in PAGES[3:])]:
        headers = person.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in _policy(headers).split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert "unsafe" not in _policy(headers)
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def _policy(headers: Any) -> str:
    return str(headers["content-security-policy"])


def test_pages_hold_nothing_that_runs_and_lead_nowhere_else(viewer: Visitor) -> None:
    for path in ("/dashboard", *PAGES[3:4], *PAGES[7:12]):
        page = Elements(viewer.get(path).text)
        assert page.inline == []
        for link in page.links():
            assert not urlsplit(link).scheme, link
            assert not urlsplit(link).netloc, link


def test_what_a_page_loads_needs_no_login_and_may_be_kept(viewer: Visitor) -> None:
    page = Elements(viewer.get("/dashboard").text)
    loaded = [link for link in page.links() if "/assets/" in link]
    assert len(loaded) >= 5
    for link in loaded:
        answer = httpx2.get(f"{viewer.url}/{link}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert (
            httpx2.get(f"{viewer.url}/{link.replace('/assets/', '/assets/0')}").status_code == 404
        )


def test_the_first_page_is_small(viewer: Visitor) -> None:
    answer = viewer.http.get("/dashboard", headers={"Accept-Encoding": "identity"})
    links = {link for link in Elements(answer.text).links() if "/assets/" in link}
    total = len(answer.content)
    for link in links:
        with httpx2.stream("GET", f"{viewer.url}/{link}") as loaded:
            total += sum(len(chunk) for chunk in loaded.iter_raw())
    assert total < 150_000
    assert len(links) <= 8


def test_what_others_wrote_is_what_they_published(viewer: Visitor) -> None:
    folder = ROOT / "src/onehop/server/dashboard/uplot"
    table = (folder / "README.md").read_text()
    told = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", table))
    assert set(told) == {"uPlot.iife.min.js", "uPlot.min.css"}
    for name, digest in told.items():
        assert sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "MIT" in (folder / "LICENSE").read_text()


def test_too_many_wrong_keys_have_to_wait(tmp_path: Path) -> None:
    with Served(tmp_path, ONEHOP_MAX_REFUSED="3") as server:
        person = Visitor(server.url)
        answers = [person.log_in(f"oh_{number:016x}_{'0' * 64}") for number in range(5)]
        person.close()
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]


@pytest.mark.thorough
def test_without_keys_a_page_elsewhere_still_sends_no_form(tmp_path: Path) -> None:
    with Served(tmp_path, ONEHOP_AUTH="false") as server:
        person = Visitor(server.url)
        assert person.get("/dashboard").status_code == 200
        assert "Sign out" not in person.get("/dashboard").text
        data = {"token": person.token(), "agentId": "new"}
        elsewhere = {"Origin": "https://elsewhere.example"}
        assert (
            person.http.post("/dashboard/agents", data=data, headers=elsewhere).status_code == 403
        )
        assert person.http.post("/dashboard/agents", data=data).status_code == 403
        made = person.send("/dashboard/agents", {"agentId": "new"})
        assert re.search("oh_[0-9a-f]{16}_[0-9a-f]{64}", made.text)
        person.close()


# -- sessions, with a clock of the test's own


def _agent(**changes: Any) -> AgentRecord:
    fields: dict[str, Any] = {
        "agent_id": "watcher",
        "role": "viewer",
        "key_id": "1",
        "key_hash": "h",
        "created_at": 0,
    }
    return AgentRecord(**{**fields, **changes})


def test_a_session_ends_after_its_time_used_or_not() -> None:
    now = [0.0]
    sessions = Sessions(lifetime=100, idle=30, clock=lambda: now[0])
    used, unused = sessions.begin(_agent()), sessions.begin(_agent())
    for _ in range(4):
        now[0] += 24
        assert sessions.find(used) is not None
    assert sessions.find(unused) is None
    now[0] += 5
    assert sessions.find(used) is None


def test_a_session_is_worth_nothing_once_the_key_is_another() -> None:
    sessions = Sessions(100, 100)
    session = sessions.find(sessions.begin(_agent()))
    assert session is not None
    assert session.is_of(_agent())
    assert not session.is_of(_agent(key_hash="other"))
    assert not session.is_of(_agent(revoked_at=5))
    assert not session.is_of(None)


def test_sessions_are_bounded_for_each_key_and_in_all() -> None:
    sessions = Sessions(100, 100)
    own = [sessions.begin(_agent()) for _ in range(70)]
    assert sum(sessions.find(token) is not None for token in own) == 64
    assert sessions.find(own[0]) is None
    others = [sessions.begin(_agent(key_id=str(number))) for number in range(2, 4100)]
    assert sessions.find(others[-1]) is not None
    assert sum(sessions.find(token) is not None for token in (*own, *others)) <= 4096


def test_a_copy_of_the_memory_holds_no_token() -> None:
    sessions = Sessions(100, 100)
    token = sessions.begin(_agent())
    assert token not in repr(vars(sessions)) + json.dumps(list(vars(sessions)["_open"]))


def test_a_viewer_that_never_reads_holds_up_nobody(
    served: Served, viewer: Visitor, ada: httpx2.Client
) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in viewer.http.cookies.items())
    place = urlsplit(served.url)
    head = (
        f"GET /dashboard/live/events HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookie}\r\n\r\n"
    )
    with socket.create_connection((place.hostname or "", place.port or 0)) as deaf:
        deaf.sendall(head.encode())
        with viewer.http.stream("GET", "/dashboard/live/events") as heard:
            assert heard.headers["content-type"].startswith("text/event-stream")
            code = {"code": "return 'for all who listen'"}
            name = ada.post("/api/v1/execute", json=code).json()["requestId"]
            lines = heard.iter_lines()
            assert any(name in line for line in lines if line.startswith("data:"))

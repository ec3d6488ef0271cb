"""What people do with snippets on the dashboard, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.dashboard.browsing import ENTER, TAB, Browser
from tests.dashboard.conftest import TOOLS
from tests.dashboard.test_browser import run
from tests.dashboard.visiting import Visitor
from tests.server.served import Served
from tests.waiting import until

CODE = "const found = await tools.find_orders({customer: context.who});\nreturn found.length;"
COUNTED = 120.0
"""Seconds until calls are counted, which comes after all answers; each look is a page."""


@pytest.fixture(autouse=True)
def _no_complaints(request: pytest.FixtureRequest) -> Any:
    yield
    for name in ("viewer", "admin"):
        if name in request.fixturenames:
            assert request.getfixturevalue(name).complaints() == []


def saved(admin: Browser, agent: httpx2.Client, name: str, **call: Any) -> str:
    """Save a run's code as a person does: the run's name."""
    request_id = str(run(agent, CODE, context={"who": "c"}, **call)["requestId"])
    admin.open(f"/dashboard/executions/{request_id}")
    field = admin.find(".keep input[name=name]")
    field.clear()
    field.send_keys(name)
    admin.press("Save the snippet")
    until(lambda: f"/snippets/{name}" in admin.driver.current_url, "the page of the snippet")
    return request_id


@pytest.mark.thorough
def test_an_admin_saves_a_run_and_an_agent_calls_it(
    admin: Browser, viewer: Browser, ada: httpx2.Client
) -> None:
    request_id = saved(admin, ada, "orders_of", description="How many orders there are")
    assert "How many orders there are" in admin.text()
    assert "yes find_orders" in " ".join(admin.text("main").split())
    assert request_id[:12] in admin.text("dl.figures")
    assert "who: string" in admin.text("#declared")
    assert admin.all(".code .t-k"), "the code has its colours"
    assert run(ada, "return snippets.orders_of({who: 'x'})")["output"] == 2
    until(lambda: _calls(viewer, "orders_of") == "1", "the count of its calls", COUNTED)
    viewer.press("orders_of")
    until(lambda: "Input schema" in viewer.text(), "the page of the snippet")
    assert "Remove" not in viewer.text()
    assert "saves and removes" in viewer.text()


def _calls(page: Browser, name: str) -> str:
    page.open(f"/dashboard/snippets?query={name}")
    cells = page.all("td[data-l=calls]")
    return cells[0].text if cells else ""


@pytest.mark.thorough
def test_a_name_that_is_taken_is_refused_until_it_is_replaced(
    admin: Browser, ada: httpx2.Client
) -> None:
    saved(admin, ada, "taken_name")
    later = run(ada, "return 'another'", description="Taken name")["requestId"]
    admin.open(f"/dashboard/executions/{later}")
    assert admin.find(".keep input[name=name]").get_attribute("value") == "taken_name"
    admin.press("Save the snippet")
    assert "is there already (version 1" in admin.text(".keep, #keep [role=alert]")
    assert admin.find(".keep input[name=description]").get_attribute("value") == "Taken name"
    admin.find(".keep input[name=replace]").click()
    admin.find(".keep textarea").clear()
    admin.find(".keep textarea").send_keys("{not json")
    admin.press("Save the snippet")
    until(lambda: "text that is not JSON" in admin.text("#keep [role=alert]"), "the answer")
    admin.find(".keep textarea").clear()
    admin.press("Save the snippet")
    until(lambda: "/snippets/taken_name" in admin.driver.current_url, "the page of the snippet")
    assert "another" in admin.text(".code")
    assert [each.text for each in admin.all("dl.figures dd") if each.text == "2"], "version 2"
    admin.complaints()  # 409 and 400


@pytest.mark.thorough
def test_the_keyboard_alone_removes_one(admin: Browser, ada: httpx2.Client) -> None:
    saved(admin, ada, "short_lived")
    summary = admin.find("details.ask summary")
    admin.run("arguments[0].focus()", summary)
    summary.send_keys(ENTER)
    summary.send_keys(TAB)
    admin.driver.switch_to.active_element.send_keys(ENTER)
    until(lambda: admin.driver.current_url.endswith("/dashboard/snippets"), "the list")
    assert "short_lived" not in admin.text()
    assert "no snippet is called" in str(run(ada, "return snippets.short_lived({})")["error"])


@pytest.mark.thorough
def test_one_name_of_several_agents_leads_to_the_choice(
    admin: Browser, ada: httpx2.Client, served: Served
) -> None:
    saved(admin, ada, "of_several")
    with served.client(served.key("bea")) as bea:
        saved(admin, bea, "of_several")
    admin.open("/dashboard/snippets/of_several")
    until(lambda: "query=of_several" in admin.driver.current_url, "the list")
    assert [row.text.split()[1] for row in admin.all("tbody tr")] == ["ada", "bea"]
    admin.all("tbody a")[1].click()
    until(lambda: "agentId=bea" in admin.driver.current_url, "that of the second")
    admin.press("bea")
    until(lambda: "/agents/bea" in admin.driver.current_url, "the page of the agent")


@pytest.mark.thorough
def test_a_run_that_cannot_be_saved_says_why(admin: Browser, ada: httpx2.Client) -> None:
    in_session = run(ada, "var a = 1; return a", session="kept")["requestId"]
    admin.open(f"/dashboard/executions/{in_session}")
    assert "a call of the session 'kept'" in admin.text("#keep")
    assert not admin.all("form.keep")
    admin.open(f"/dashboard/executions/{run(ada, 'throw 1')['requestId']}")
    assert not admin.all("#keep")


def test_a_viewer_saves_and_removes_nothing(
    served: Served, viewer_key: str, admin: Browser, ada: httpx2.Client
) -> None:
    request_id = saved(admin, ada, "kept_safe")
    person = Visitor(served.url)
    person.log_in(viewer_key)
    page = person.get(f"/dashboard/executions/{request_id}").text
    assert "Save as a snippet" not in page
    forms = (f"executions/{request_id}/snippet", "snippets/kept_safe/remove?agentId=ada")
    for form in forms:
        assert person.send(f"/dashboard/{form}", {"name": "mine"}).status_code == 403
        own = {**person.origin, "Origin": "https://elsewhere.example"}
        sent = {"token": person.token(), "name": "mine"}
        assert person.http.post(f"/dashboard/{form}", data=sent, headers=own).status_code == 403
    assert "mine" not in person.get("/dashboard/snippets").text
    assert "kept_safe" in person.get("/dashboard/snippets").text
    person.close()


@pytest.mark.thorough
def test_an_empty_list_says_what_to_do_and_a_changed_tool_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(TOOLS)
    with Served(tmp_path, ONEHOP_TOOLS=str(tmp_path / "shop.py")) as server:
        person = Visitor(server.url)
        person.log_in(server.key("root", "admin"))
        assert "No code is saved yet" in person.get("/dashboard/snippets").text
        with server.client(server.key("ada")) as agent:
            name = run(agent, CODE, context={"who": "c"})["requestId"]
        form = {"name": "counting", "description": "", "inputSchema": ""}
        answer = person.send(f"/dashboard/executions/{name}/snippet?agentId=ada", form)
        assert answer.status_code == 303
        person.close()
    (tmp_path / "shop.py").write_text(TOOLS.replace("customer: str", "customer: str, more: int"))
    with Served(tmp_path, ONEHOP_TOOLS=str(tmp_path / "shop.py")) as server:
        person = Visitor(server.url)
        person.log_in(server.key("other-root", "admin"))
        assert "1 of 1 tools does not fit" in person.get("/dashboard/snippets").text
        page = person.get("/dashboard/snippets/counting").text
        assert "It was changed since" in page
        person.close()

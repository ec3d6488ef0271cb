"""People decide about calls on the page, and the code that waits goes on."""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2
import pytest

from onehop.config import AuditConfig
from onehop.runs.decisions import Approval
from onehop.stores import open_store
from tests.dashboard.browsing import ENTER, TAB, Browser
from tests.dashboard.test_accessibility import AXE, violations
from tests.dashboard.test_browser import run
from tests.dashboard.visiting import Elements, Visitor
from tests.server.served import Served
from tests.waiting import until

PAY = "return await tools.pay({to: 'bob', amount: 12})"
Asking = Any


@pytest.fixture
def asking(ada: httpx2.Client) -> Iterator[Asking]:
    """Runs code in the background: it waits for a person."""
    with ThreadPoolExecutor(4) as pool:

        def ask(code: str) -> Future[dict[str, Any]]:
            return pool.submit(run, ada, code)

        yield ask


def _opened(page: Browser, calls: int = 1) -> None:
    page.open("/dashboard/approvals")
    until(lambda: len(page.all("article.call")) == calls, "the calls that wait")


def test_an_approval_lets_the_run_go_on(admin: Browser, asking: Asking) -> None:
    result = asking(PAY)
    _opened(admin)
    until(lambda: admin.driver.title.startswith("(1) "), "the title")
    assert "1" in admin.text(".badge")
    assert '"bob"' in admin.text("article.call")
    admin.press("Approve")
    assert result.result(30)["output"] == {"to": "bob", "paid": 12}
    until(lambda: "Nothing waits" in admin.text(), "the page without it")


@pytest.mark.thorough
def test_a_run_that_waits_is_shown_as_paused_until_it_has_ended(
    admin: Browser, asking: Asking
) -> None:
    result = asking(PAY)
    _opened(admin)
    address = admin.find("section.waits h2 a").get_attribute("href")
    admin.open("/dashboard")
    until(lambda: "Waiting for a person" in admin.text(), "the overview")
    assert "paused" in admin.text()
    assert not AXE.exists() or violations(admin) == []
    assert address is not None
    admin.driver.get(address)
    assert "paused" in admin.text(".head")
    assert "It waits for a person" in admin.text()
    assert not AXE.exists() or violations(admin) == []
    admin.find(".notice a").click()
    _opened(admin)
    admin.press("Approve")
    name = result.result(30)["requestId"]
    admin.driver.get(address)
    until(lambda: "ok" in admin.text(".head .state"), "the page of its record")
    assert name in admin.text()
    admin.complaints()


@pytest.mark.thorough
def test_arguments_are_edited_and_faults_are_told(admin: Browser, asking: Asking) -> None:
    result = asking(PAY)
    _opened(admin)
    for text, told in (  # each is refused, and waits on
        ('{"to": "bob"}', "amount"),
        ("nonsense", "not JSON"),
    ):
        admin.find("article.call details.ask summary").click()
        box = admin.find("textarea")
        box.clear()
        box.send_keys(text)
        admin.press("Approve with these")
        until(partial(_alerted, admin, told), told)
    admin.find("article.call details.ask summary").click()
    box = admin.find("textarea")
    box.clear()
    box.send_keys('{"to": "eve", "amount": 3}')
    admin.press("Approve with these")
    assert result.result(30)["output"] == {"to": "eve", "paid": 3}
    admin.complaints()  # of the two that were refused


def _alerted(page: Browser, told: str) -> bool:
    found = page.run("return document.querySelector('[role=alert]')?.textContent ?? ''")
    return told in found


@pytest.mark.thorough
def test_the_keyboard_denies_with_a_reason(admin: Browser, asking: Asking) -> None:
    result = asking(PAY + ".catch((error) => error.message)")
    _opened(admin)
    card = admin.find("article.call")
    card.send_keys("d")
    box = admin.driver.switch_to.active_element
    assert box.get_attribute("name") == "reason"
    box.send_keys("too much for today" + TAB + ENTER)
    assert "too much for today" in result.result(30)["output"]


@pytest.mark.thorough
def test_all_calls_of_a_run_are_decided_together(admin: Browser, asking: Asking) -> None:
    result = asking("return Promise.all([1, 2, 3].map((amount) => tools.pay({to: 'bob', amount})))")
    _opened(admin, 3)
    first, second, _ = admin.all("article.call")
    first.send_keys("j")
    assert admin.driver.switch_to.active_element == second
    second.send_keys("k")
    assert admin.driver.switch_to.active_element == first
    first.send_keys("e")
    assert admin.driver.switch_to.active_element.get_attribute("name") == "arguments"
    admin.press("Approve all 3")
    assert [each["paid"] for each in result.result(30)["output"]] == [1, 2, 3]


@pytest.mark.thorough
def test_a_viewer_sees_what_waits_and_decides_nothing(
    viewer: Browser, admin: Browser, asking: Asking, served: Served, viewer_key: str
) -> None:
    result = asking(PAY)
    _opened(viewer)
    assert not viewer.all("article.call button")
    _opened(admin)
    hidden = {name: admin.find(f"input[name={name}]").get_attribute("value") for name in _IDS}
    person = Visitor(served.url)
    person.log_in(viewer_key)
    forged = {**{name: str(value) for name, value in hidden.items()}, "action": "approve"}
    assert person.send("/dashboard/approvals", forged).status_code == 403
    person.close()
    assert not result.done()
    admin.press("Approve")
    assert result.result(30)["success"]


_IDS = ("runId", "callId")


# --- what the button decides is what the page showed ---


def _waiting(person: Visitor, count: int) -> list[dict[str, str]]:
    """The forms of the page, when that many calls wait."""
    forms: list[dict[str, str]] = []

    def are_there() -> bool:
        page = Elements(person.get("/dashboard/approvals").text)
        forms.clear()
        for tag, attributes in page.tags:
            if tag == "form":
                forms.append({})
            elif tag == "input" and attributes.get("name") in _IDS:
                forms[-1][str(attributes["name"])] = str(attributes.get("value"))
        return sum(tag == "article" for tag, _ in page.tags) == count

    until(are_there, f"{count} calls that wait")
    return [form for form in forms if "callId" in form]


@pytest.fixture
def person(served: Served, admin_key: str) -> Iterator[Visitor]:
    found = Visitor(served.url)
    found.log_in(admin_key)
    yield found
    found.close()


def test_a_call_that_came_after_the_page_was_shown_is_not_approved_with_the_others(
    person: Visitor, asking: Asking
) -> None:
    result = asking("""
        const pay = (amount) => tools.pay({to: 'bob', amount}).then((a) => a.paid, (e) => e.code);
        return Promise.all([pay(1).then((one) => pay(1000)), pay(2), pay(3)])
    """)
    all_three, first, *_ = _waiting(person, 3)
    assert all_three["callId"] == "call_1 call_2 call_3"
    person.send("/dashboard/approvals", {**first, "action": "approve"})
    _waiting(person, 3)  # the one of 1000 has taken the first one's place
    answer = person.send("/dashboard/approvals", {**all_three, "action": "approve"})
    assert answer.status_code == 303
    (unseen,) = _waiting(person, 1)
    assert unseen["callId"] == "call_4"
    assert not result.done()
    person.send("/dashboard/approvals", {**unseen, "action": "reject"})
    assert result.result(30)["output"] == ["denied", 2, 3]


def test_who_decides_sees_the_program_and_what_it_has_called_with_its_secrets_masked(
    person: Visitor, asking: Asking
) -> None:
    result = asking("const token = 'oh_" + "a1" * 24 + "';\n" + f"{PAY} // <b>for ada</b>")
    (form,) = _waiting(person, 1)
    links = Elements(person.get("/dashboard/approvals").text).links()
    (address,) = {each for each in links if "/executions/" in each}
    page = person.get(address.removeprefix(".")).text
    assert "&lt;b&gt;for ada&lt;/b&gt;" in page
    assert "a1a1" not in page
    assert "What it has called so far" in page
    assert "<td>waits for a person</td>" in page
    person.send("/dashboard/approvals", {**form, "action": "reject"})
    assert not result.result(30)["success"]


def test_a_form_that_means_all_calls_without_naming_them_decides_nothing(
    person: Visitor, asking: Asking
) -> None:
    result = asking(PAY)
    (form,) = _waiting(person, 1)
    for call_id, status in (("*", 404), ("", 400)):
        sent = {**form, "callId": call_id, "action": "approve"}
        assert person.send("/dashboard/approvals", sent).status_code == status
    assert not result.done()
    person.send("/dashboard/approvals", {**form, "action": "approve"})
    assert result.result(30)["success"]


@pytest.mark.thorough
async def test_calls_for_which_the_page_has_no_room_are_not_decided_by_it(
    person: Visitor, served: Served
) -> None:
    store = await open_store(AuditConfig(store=served.store))
    try:
        await store.add_approvals([_approval(number) for number in range(130)])
        all_shown, *_ = await to_thread(_waiting, person, 100)
        shown = all_shown["callId"].split()
        assert len(shown) == 100
        await to_thread(person.send, "/dashboard/approvals", {**all_shown, "action": "approve"})
        found = await store.approvals(run_id="crowd", limit=200)
        assert {each.call_id for each in found if each.status == "approved"} == set(shown)
        rest, *_ = await to_thread(_waiting, person, 30)
        await to_thread(person.send, "/dashboard/approvals", {**rest, "action": "reject"})
        await to_thread(_waiting, person, 0)
    finally:
        await store.aclose()


def _approval(number: int) -> Approval:
    now = time.time_ns() // 1_000_000
    return Approval(
        run_id="crowd",
        call_id=f"call_{number}",
        request_id="",
        agent_id="ada",
        channel_id="",
        tool="pay",
        effect="write",
        rule="pay",
        arguments="{}",
        arguments_hash="",
        requested_at=now + number,
        expires_at=now + 600_000,
    )

"""People decide about calls on the page, and the code that waits goes on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2
import pytest
from selenium.webdriver.common.keys import Keys

from tests.dashboard.browsing import Browser
from tests.dashboard.test_browser import run
from tests.dashboard.visiting import Visitor
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


def test_the_keyboard_denies_with_a_reason(admin: Browser, asking: Asking) -> None:
    result = asking(PAY + ".catch((error) => error.message)")
    _opened(admin)
    card = admin.find("article.call")
    card.send_keys("d")
    box = admin.driver.switch_to.active_element
    assert box.get_attribute("name") == "reason"
    box.send_keys("too much for today" + Keys.TAB + Keys.ENTER)
    assert "too much for today" in result.result(30)["output"]


def test_all_calls_of_a_run_are_decided_together(admin: Browser, asking: Asking) -> None:
    result = asking("return Promise.all([1, 2, 3].map((amount) => tools.pay({to: 'bob', amount})))")
    _opened(admin, 3)
    admin.press("Approve all 3")
    assert [each["paid"] for each in result.result(30)["output"]] == [1, 2, 3]


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

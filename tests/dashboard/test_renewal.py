"""Pages that renew themselves: they wait for nothing long, and change under nobody's hand."""

from __future__ import annotations

import asyncio
import re
from functools import partial

import httpx2
import pytest

from onehop.server.dashboard._remembered import Got, Remembered
from tests.dashboard.browsing import CONTROL, ENTER, RELEASED, Browser
from tests.dashboard.test_browser import run
from tests.dashboard.visiting import Visitor
from tests.server.served import Served
from tests.waiting import until


def _leads_to(page: Browser, selector: str, name: str) -> bool:
    return name in page.run("return document.querySelector(arguments[0])?.href ?? ''", selector)


def _away(page: Browser) -> None:
    page.point_at(".brand")


@pytest.mark.thorough
def test_nothing_changes_under_the_pointer_or_the_focus(
    viewer: Browser, ada: httpx2.Client
) -> None:
    run(ada, "return 1", description="the run before")
    viewer.open("/dashboard")
    until(lambda: "the run before" in viewer.text(), "the run")
    link = ".rows tbody a[href*='executions/']"
    for hold in ("pointer", "focus"):
        if hold == "pointer":
            viewer.point_at(link)
        else:
            viewer.run(f'document.querySelector("{link}").focus()')
        before = viewer.find(link).get_attribute("href")
        name = run(ada, "return 2", description="the run of now")["requestId"]
        until(lambda: "something new" in viewer.text("#held"), "the note")
        assert viewer.find(link).get_attribute("href") == before
        if hold == "pointer":
            _away(viewer)
        else:
            viewer.press("Show it")
        until(partial(_leads_to, viewer, link, name), "the renewal")
        assert not viewer.all("#held")
        viewer.run("document.activeElement.blur()")


_FIRST_ANSWER_WAITS = """
    const real = window.fetch;
    let isFirst = true;
    window.fetch = async (...given) => {
      const answer = await real(...given);
      if (isFirst) {
        isFirst = false;
        window.late = answer.clone().text();
        await new Promise((resolve) => { window.letGo = resolve; });
      }
      return answer;
    };
"""
_LET_GO = """
    const done = arguments[arguments.length - 1];
    window.letGo();
    window.late.then(() => setTimeout(() => setTimeout(done, 50), 50));
"""


def test_a_late_answer_of_an_earlier_search_does_not_replace_a_later_one(viewer: Browser) -> None:
    viewer.open("/dashboard/tools")
    viewer.run(_FIRST_ANSWER_WAITS)
    viewer.find("input[name=query]").send_keys("orders")
    until(lambda: viewer.run("return Boolean(window.letGo)"), "the first answer")
    viewer.find("input[name=query]").send_keys(CONTROL + "a" + RELEASED + "refund")
    until(lambda: "find_orders" not in viewer.text("#fresh"), "the answer of the second")
    viewer.driver.execute_async_script(_LET_GO)
    assert "find_orders" not in viewer.text("#fresh")
    assert viewer.driver.current_url.endswith("query=refund")


@pytest.mark.thorough
def test_what_is_unfolded_stays_so_and_stays_the_same_element(
    viewer: Browser, ada: httpx2.Client
) -> None:
    run(ada, "return 1")
    viewer.open("/dashboard")
    until(lambda: viewer.all(".chart canvas"), "the charts")
    summary = viewer.find(".numbers summary")
    summary.click()
    viewer.run("document.querySelector('.chart canvas').kept = true")
    run(ada, "return 2", description="a run while it is unfolded")
    until(lambda: "a run while it is unfolded" in viewer.text(), "the renewal")
    assert viewer.run("return document.querySelector('.numbers').open")
    assert viewer.driver.switch_to.active_element == summary
    assert viewer.run("return document.querySelector('.chart canvas').kept")  # the same chart
    summary.send_keys(ENTER)
    assert not viewer.run("return document.querySelector('.numbers').open")


@pytest.mark.sample(2)
@pytest.mark.parametrize("within", ["1h", "24h", "7d", "30d"])
def test_the_overview_counts_as_many_findings_as_the_security_page(
    served: Served, viewer_key: str, ada: httpx2.Client, within: str
) -> None:
    run(ada, "return eval('1')")
    person = Visitor(served.url)
    person.log_in(viewer_key)

    def counts() -> set[int]:
        first = person.get(f"/dashboard?within={within}").text
        second = person.get(f"/dashboard/security?within={within}").text
        found = re.search(r"Security findings</dt><dd><a[^>]*>([\d,]+)", first)
        listed = re.findall(r'data-l="findings">([\d,]+)', second)
        numbers = [found[1] if found else "-1", str(sum(int(each) for each in listed))]
        return {int(each.replace(",", "")) for each in numbers}

    until(lambda: len(counts()) == 1 and counts() != {0}, "the same count on both pages")
    person.close()


async def test_an_answer_that_is_slow_comes_late_and_is_made_once() -> None:
    remembered, ready, made = Remembered(patience=0.001), asyncio.Event(), list[int]()

    async def make() -> str:
        made.append(1)
        await ready.wait()
        return "counted"

    first = await asyncio.gather(*(remembered.get("all", 60, make) for _ in range(5)))
    assert first == [Got(None, late=True)] * 5
    ready.set()
    await asyncio.sleep(0)
    patient = await remembered.get("all", 60, make)
    assert (patient, made) == (Got("counted"), [1])


async def test_an_old_answer_is_given_while_the_next_one_is_made() -> None:
    now = [1000.0]
    remembered, go_on = Remembered(clock=lambda: now[0], patience=0.001), asyncio.Event()

    async def quick() -> int:
        return 1

    async def slow() -> int:
        await go_on.wait()
        return 2

    assert await remembered.get("all", 60, quick) == Got(1)
    now[0] += 61
    assert await remembered.get("all", 60, slow) == Got(1, late=True)
    now[0] += 600
    assert await remembered.get("all", 60, slow) == Got(None, late=True)  # too old to be shown
    go_on.set()


async def test_what_making_an_answer_raises_is_raised_and_not_kept() -> None:
    remembered = Remembered()

    async def fail() -> int:
        raise OSError("the store is away")

    async def work() -> int:
        return 3

    with pytest.raises(OSError, match="away"):
        await remembered.get("all", 60, fail)
    assert await remembered.get("all", 60, work) == Got(3)

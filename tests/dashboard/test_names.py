"""Agents and runs of any name have pages, and every link to them arrives."""

from __future__ import annotations

import time
from asyncio import run as run_async
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onehop.config import AuditConfig
from onehop.server.dashboard._segments import name_of, segment
from onehop.stores import open_store
from onehop.stores.base import Entry
from onehop.testing.records import record
from tests.dashboard.visiting import Elements, Visitor
from tests.server.served import Served
from tests.waiting import until

NAMES = ("a/b", "..", ".", "", "~YQ", "a b?c#d&e=f", "ünï/☃/", "%2F", "<b>", "team:x@y-1.2", "a\\b")


@pytest.mark.unit
@given(st.text(max_size=40))
def test_a_name_and_its_part_of_an_address_are_one(name: str) -> None:
    part = segment(name)
    assert name_of(part) == name
    assert part.isascii()
    assert part.strip(".")
    assert not set(part) & set("/?#%\\ ")


@pytest.mark.unit
@pytest.mark.parametrize("part", ["~", "~!", "~é", "~YQ", "a", "~a"])
def test_an_address_that_no_page_has_made_is_read_somehow(part: str) -> None:
    assert segment(name_of(part)) in (part, segment(part))


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """An admin of a server that has a run of each name."""
    server = Served(tmp_path_factory.mktemp("names"))
    run_async(_fill(server))
    with server:
        found = Visitor(server.url)
        assert found.log_in(server.key("root", "admin")).status_code == 303
        yield found
        found.close()


async def _fill(server: Served) -> None:
    store = await open_store(AuditConfig(store=server.store))
    now = time.time_ns() // 1_000_000
    try:
        await store.append(
            [
                Entry(
                    record(
                        agent_id=name,
                        request_id=name or "none",
                        executed_at=now,
                        code_hash="a" * 16,
                        description=f"the run {place}",
                    )
                )
                for place, name in enumerate(NAMES)
            ]
        )
    finally:
        await store.aclose()


def _links(person: Visitor, page: str) -> set[str]:
    """Those to what the list names, once it names all; they may still be counted."""
    found = Elements(person.get(page).text).links()
    wanted = f"dashboard/{page.rpartition('/')[2]}/"
    links = {urljoin(page, each) for each in found if wanted in each}
    links = {each for each in links if "/rotate" not in each and "/revoke" not in each}
    return links if len(links) >= len(NAMES) else set()


@pytest.mark.sample(1)
@pytest.mark.parametrize("page", ["/dashboard/agents", "/dashboard/executions"])
def test_each_link_of_a_list_leads_to_what_it_names(person: Visitor, page: str) -> None:
    links = until(lambda: _links(person, page), "a list with all of them")
    seen = ""
    for link in links:
        answer = person.get(link)
        assert answer.status_code == 200, link
        seen += "".join(Elements(answer.text).words)
    for place, name in enumerate(NAMES):
        assert (f"the run {place}" if "executions" in page else name) in seen


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", NAMES)
def test_the_parts_of_a_run_are_under_its_address(person: Visitor, name: str) -> None:
    page = f"/dashboard/executions/{segment(name or 'none')}?agentId={segment('')}"
    listed = person.get(f"/dashboard/executions/{segment(name or 'none')}")
    links = [each for each in Elements(listed.text).links() if "record.json" in each]
    assert len(links) == 1, page
    answer = person.get(urljoin(f"/dashboard/executions/{segment(name or 'none')}", links[0]))
    assert answer.status_code == 200
    assert answer.json()["agentId"] == name


def test_an_agents_page_keeps_its_name_when_the_span_changes(person: Visitor) -> None:
    page = f"/dashboard/agents/{segment('a/b')}"
    spans = [each for each in Elements(person.get(page).text).links() if "within=7d" in each]
    [other] = [each for each in spans if "dashboard/agents/" in each]
    answer = person.get(urljoin(page, unescape(other)))
    assert answer.status_code == 200
    assert "a/b" in answer.text


def test_a_page_of_an_address_with_an_escaped_slash_finds_the_way_home(person: Visitor) -> None:
    answer = person.get("/dashboard/agents/x%2Fy%2Fz")
    assert answer.status_code == 404
    homes = [each for each in Elements(answer.text).links() if each.endswith("dashboard")]
    assert {urljoin("/dashboard/agents/x%2Fy%2Fz", each) for each in homes} == {"/dashboard"}

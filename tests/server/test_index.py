"""``GET /`` says where everything is, to people and to programs."""

from __future__ import annotations

import re

import pytest

from onehop._version import onehop_version
from tests.server.served import Served

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html;q=0, */*"])
def test_a_program_gets_json_whose_addresses_are_answered(
    served: Served, accept: str | None
) -> None:
    with served.client() as nobody:
        answer = nobody.get("/", headers={} if accept is None else {"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        places = answer.json()
        assert (places.pop("name"), places.pop("version")) == ("onehop", onehop_version())
        assert {"docs", "mcp", "ready"} <= set(places)
        assert places.pop("api") == "/api/v1"
        assert all(_is_there(nobody.get(place).status_code) for place in places.values())


def test_a_browser_gets_a_page_whose_links_are_answered(served: Served) -> None:
    with served.client() as nobody:
        answer = nobody.get("/", headers={"Accept": BROWSER})
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Vary"] == "Accept"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        links = re.findall(r'href="([^"]+)"', answer.text)
        assert {"docs", "mcp", "readyz"} <= set(links)
        assert "/api/v1" in answer.text
        assert not [link for link in links if link.startswith(("/", "http"))], "a proxy's path"
        assert all(_is_there(nobody.get(f"/{link}").status_code) for link in links)


def _is_there(status: int) -> bool:
    """Answered, if only to ask for a key, a login or another method."""
    return status in (200, 303, 401, 405)

"""One server with tools, a browser of each of two people, and an agent that runs code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.dashboard.browsing import CHROMIUM, DRIVER, Browser, browser
from tests.server.served import Served

TOOLS = '''
"""Tools for the tests."""
from onehop import tool

@tool(effect="read")
async def find_orders(customer: str) -> list[dict[str, object]]:
    """Find a customer's orders."""
    return [{"id": "o-1", "customer": customer}, {"id": "o-2", "customer": customer}]

@tool(effect="write")
async def pay(to: str, amount: float) -> dict[str, object]:
    """Pay somebody."""
    return {"to": to, "paid": amount}

@tool(effect="destructive")
async def refund(order: str) -> dict[str, object]:
    """Give money back."""
    raise ValueError("no")
'''


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server as an operator starts it."""
    folder = tmp_path_factory.mktemp("dashboard")
    tools = folder / "shop.py"
    tools.write_text(TOOLS)
    asks = {"ONEHOP_TOOLS_ASK": "pay", "ONEHOP_TOOLS_APPROVALS": "true"}
    asks["ONEHOP_RECORDING"] = "all"
    with Served(folder, ONEHOP_TOOLS=str(tools), **asks) as server:
        yield server


@pytest.fixture(scope="package")
def viewer_key(served: Served) -> str:
    """Opens the dashboard."""
    return served.key("watcher", "viewer")


@pytest.fixture(scope="package")
def admin_key(served: Served) -> str:
    """May change agents too."""
    return served.key("root", "admin")


@pytest.fixture(scope="package")
def ada(served: Served) -> Iterator[httpx2.Client]:
    """An agent."""
    with served.client(served.key("ada")) as client:
        yield client


@pytest.fixture(scope="package")
def _chromium() -> None:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("Chromium and its driver are not here: scripts/setup-tests installs them")


@pytest.fixture(scope="package")
def viewer(
    served: Served, viewer_key: str, tmp_path_factory: pytest.TempPathFactory, _chromium: None
) -> Iterator[Browser]:
    """A person who is logged in as a viewer."""
    with browser(served.url, tmp_path_factory.mktemp("viewer")) as found:
        found.log_in(viewer_key)
        yield found


@pytest.fixture(scope="package")
def admin(
    served: Served, admin_key: str, tmp_path_factory: pytest.TempPathFactory, _chromium: None
) -> Iterator[Browser]:
    """A person who is logged in as an admin."""
    with browser(served.url, tmp_path_factory.mktemp("admin")) as found:
        found.log_in(admin_key)
        yield found


@pytest.fixture
def profile(tmp_path: Path, _chromium: None) -> Path:
    """For a browser of a test's own."""
    return tmp_path / "profile"

"""Fixtures that every folder of tests uses, and the rule that CI skips nothing."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from onehop import Sandbox
from onehop.cores import usable_cores
from tests.copies import also_for_analysis
from tests.copies import end as end_copying
from tests.sameness import same_each_time
from tests.sampling import Sampling
from tests.servers import MongoServer, PostgresServer
from tests.units import NoProcesses
from tests.users import User

pytest.register_assert_rewrite("onehop.testing")

collect_ignore = ["adapters"]
"""Each framework has an environment of its own: scripts/adapters makes it and runs its tests."""


def pytest_configure(config: pytest.Config) -> None:
    """Property tests try the same examples each time, so that whoever runs the tests sees what the
    last one saw. The soak run draws others; what it finds is kept as an example of its test."""
    slow = [HealthCheck.too_slow]  # it measures how busy the machine is
    settings.register_profile(
        "same", derandomize=True, database=None, max_examples=50, suppress_health_check=slow
    )
    settings.register_profile("search", print_blob=True, suppress_health_check=slow)
    if not config.getoption("hypothesis_profile", default=None):
        settings.load_profile("search" if config.option.markexpr.startswith("soak") else "same")
    config.pluginmanager.register(NoProcesses())
    config.pluginmanager.register(Sampling())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays until the end: to look for garbage in it took a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """To import all files takes longer than the unit tests of most."""
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    if is_test and _only_unit(config) and "mark.unit" not in collection_path.read_text():
        return True
    return None


def _only_unit(config: pytest.Config) -> bool:
    return str(config.option.markexpr).startswith("unit")


LONGEST_FIRST = (
    "chaos server cli telemetry upstreams docs client mcp stores checks execution dashboard calls "
    "compiler workers jail test_limits.py test_sandbox.py sessions approvals guest openapi "
    "test_lifecycle.py analysis deploy validation"
).split()
"""Folders, and files at the top. What is left, ends soon: so no process works long while the others
have nothing."""


@pytest.hookimpl(optionalhook=True)  # the adapters are tested without xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core: nearly half of the time a test waits, for a process or for a clock. A unit
    test does not wait."""
    return usable_cores() if _only_unit(config) else 2 * usable_cores()


TOGETHER = ("dashboard", "mcp")
"""Folders whose files share what is dear to start: two browsers, and a client at each door."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay in one process, and of some folders those of all files."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            folder = nodeid.removeprefix("tests/").partition("/")[0]
            return folder if folder in TOGETHER else str(super()._split_scope(nodeid))

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The order in which files are given to processes, where there are several."""
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.nodeid.removeprefix("tests/").partition("/")[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ONEHOP_NO_SKIPS, as in CI, a skipped test is a failed one."""
    report = yield
    if report.skipped and "ONEHOP_NO_SKIPS" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and ONEHOP_NO_SKIPS forbids it"
    return report


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """What a shell runs in the background ignores SIGINT, and so would what the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def copies_parse_code() -> Iterator[None]:
    """By default: most tests that parse code are not about the start of the process that does."""
    with also_for_analysis() if same_each_time() else nullcontext():
        yield
    end_copying()


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the command line records in these tests stays out of the user's own data folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


IN_ONE_ACCOUNT = pytest.mark.sample(1, over="user")


@pytest.fixture(
    params=[
        pytest.param(name, marks=IN_ONE_ACCOUNT if os.geteuid() == 0 else ())
        for name in ("whoever runs the tests", "nobody")
    ]
)
def user(request: pytest.FixtureRequest) -> User:
    """Both accounts under which the jail must hold, in the default run one of them; nobody only if
    the tests run as root."""
    if request.param == "nobody" and os.geteuid() != 0:
        pytest.skip("only root can run a test as another user")
    account: User = request.param
    return account


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    """One sandbox for the tests of a file, with the default settings."""
    async with Sandbox() as opened:
        yield opened


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that a store has made."""
    from tests.stores.records import open_once  # after the rewriting of its assertions

    path = tmp_path_factory.mktemp("pattern") / "store.db"
    open_once(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that runs; ``create`` makes an empty schema in it. Do not stop this one."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[MongoServer]:
    """A server of MongoDB's protocol that runs; ``create`` makes an empty schema in it. Do not stop
    this one."""
    with MongoServer() as server:
        yield server

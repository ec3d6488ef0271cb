"""Whatever breaks under load: no record is lost, nothing runs twice, no result is wrong, no process
stays, and calls are answered again soon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import EVERYWHERE, Fault, Unavailable, of_database, of_sqlite
from tests.chaos.subject import Subject
from tests.chaos.trial import attempt
from tests.servers import PostgresServer

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


def _named(faults: tuple[Fault, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A server that all faults of this file strike."""
    with Subject(tmp_path_factory.mktemp("chaos")) as subject:
        yield subject
    assert not subject.strays


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL of these tests' own, which breaks."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def on_postgresql(
    database: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    folder: Path = tmp_path_factory.mktemp("chaos")
    with Subject(folder, store=database.create("chaos")) as subject:
        yield subject


async def _strikes(fault: Fault, subject: Subject) -> None:
    try:
        trial = await attempt(fault, subject, await subject.agent_key("load"))
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert trial.problems == ()
    assert trial.calls > 3  # of a busy machine


@_named((*EVERYWHERE, *of_sqlite()))
async def test_all_that_is_promised_holds_when(fault: Fault, on_sqlite: Subject) -> None:
    await _strikes(fault, on_sqlite)


@pytest.mark.parametrize("number", range(4))
async def test_all_that_is_promised_holds_with_postgresql_when(
    number: int, database: PostgresServer, on_postgresql: Subject
) -> None:
    await _strikes(of_database(database)[number], on_postgresql)

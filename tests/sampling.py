"""The default run takes some of many like cases, and says how many it leaves to ``--soak``.

``@pytest.mark.sample(6)`` on a test, or a file, keeps six of each test's cases. With ``over`` the
cases are those that differ in that fixture alone: ``sample(1, over="run")`` runs each test with one
of the fixture's values, and not all tests with the same. The others are marked ``thorough``.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from tests.sameness import same_each_time

LEFT: Final = ("thorough", "soak", "chaos")
"""Marks that the default run leaves out."""
_SENT: Final = "left_to_soak"


class Sampling:
    """A plugin of pytest; it also works where xdist spreads the tests."""

    def __init__(self) -> None:
        self._left = Counter[str]()

    @pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in left_out(items):
            item.add_marker("thorough")

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            mark = next((name for name in LEFT if item.get_closest_marker(name)), None)
            if mark is not None:
                self._left[mark] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_SENT] = dict(self._left)

    @pytest.hookimpl(optionalhook=True)  # of xdist; each of its processes has collected all tests
    def pytest_testnodedown(self, node: Any) -> None:
        self._left = Counter(getattr(node, "workeroutput", {}).get(_SENT, self._left))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._left:
            told = ", ".join(f"{count} {name}" for name, count in sorted(self._left.items()))
            terminalreporter.write_line(f"left to scripts/test --soak: {told}")


def examples(most: int) -> int:
    """How many examples a property test tries: ``most`` where it searches at random, as ``--soak``
    does, and an eighth by default."""
    return max(25, most // 8) if same_each_time() else most


def some(cases: Sequence[Any], kept: int) -> Sequence[Any]:
    """The cases that one test tries: all of them with ``--soak``, and ``kept`` by default."""
    return chosen(cases, kept, "some") if same_each_time() else cases


def left_out(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """What no sample keeps."""
    dropped = set[pytest.Item]()
    for over in (True, False):  # first each case in one of two classes, then some of the cases
        for (name, kept), group in _groups(items, over=over).items():
            rest = [item for item in group if item not in dropped]
            dropped.update(set(rest) - set(chosen(rest, kept, name)))
    yield from (item for item in items if item in dropped)


def chosen(cases: Sequence[Any], kept: int, name: str) -> list[Any]:
    """So many cases, evenly spread; ``name`` says where to begin, the same each time."""
    if len(cases) <= kept:
        return list(cases)
    first = zlib.crc32(name.encode())
    return [cases[(first + at * len(cases) // kept) % len(cases)] for at in range(kept)]


def _groups(
    items: Sequence[pytest.Item], *, over: bool
) -> dict[tuple[str, int], list[pytest.Item]]:
    found = defaultdict[tuple[str, int], list[pytest.Item]](list)
    for item in items:
        mark = next(
            (each for each in item.iter_markers("sample") if ("over" in each.kwargs) is over), None
        )
        if mark is not None:
            found[_group(item, mark.kwargs.get("over")), mark.args[0]].append(item)
    return found


def _group(item: pytest.Item, over: str | None) -> str:
    """The test, and, of what it is made with, all but ``over``."""
    test, _, made = item.nodeid.partition("[")
    if over is None:
        return test
    params = item.callspec.params if isinstance(item, pytest.Function) else {}
    return test + f"-{made.removesuffix(']')}-".replace(f"-{params.get(over)}-", "-", 1)

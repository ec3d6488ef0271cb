"""Search over 17,000 tools, and what a model reads of them before it asks."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from time import perf_counter, process_time

from benchmarks._model import tokenizer
from benchmarks._program import Options, main
from benchmarks._report import Budget, Report, Table
from benchmarks._stats import percentile
from benchmarks._tools import QUERIES, many
from onehop.tools import Catalogue, Discovery, Policy, offer, read_rules
from onehop.tools._offer import TOKENS, tokens_of
from onehop.tools._search import Index

Search = Callable[[str], object]
_TOOLS = 17_000
_OFFERS = ((10, 2), (30, 3), (100, 5), (100, 20), (1000, 50), (_TOOLS, 207))
"""Tools, and their namespaces."""


async def measure(options: Options) -> Report:
    """An index is made, and asked every query; then descriptions of growing catalogues."""
    report = Report("discovery", "Discovery of tools")
    catalogue = Catalogue.of(many(_TOOLS))
    _build(report, catalogue, options.pick(5, 1))
    _ask(report, catalogue, options.pick(50, 5))
    catalogue.close()
    _offer(report)
    report.notes.append(
        f"{_TOOLS} tools in 207 namespaces, each with 2 to 7 parameters and their descriptions."
        " A whole answer has ten signatures, which are made when they are asked for."
    )
    return report


def _build(report: Report, catalogue: Catalogue, count: int) -> None:
    table = report.table("The index", "what", "value", "n")
    times = []
    for _ in range(count):
        start = process_time()
        Index(catalogue.bound.values())
        times.append(process_time() - start)
    table.add("made in, s of CPU", median(times), count)
    with _memory() as held:
        kept = Index(catalogue.bound.values())
    assert len(kept) == _TOOLS
    table.add("holds, MB", held() / 1e6, 1)
    report.budgets.append(Budget("index of 17,000 tools", median(times), "≤", 3.0, "s"))


@contextmanager
def _memory() -> Iterator[Callable[[], int]]:
    """Bytes that are held after the block and were not before it."""
    gc.collect()
    tracemalloc.start()
    try:
        held: list[int] = []
        yield lambda: held[0]
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


def _ask(report: Report, catalogue: Catalogue, count: int) -> None:
    table = report.table("A query, ms", "what", "p50", "p95", "CPU p50", "n")
    whole = Discovery(catalogue, Policy([]))
    policy = Policy([read_rules({"deny": ["crm.*", "mail*"], "ask": ["*.delete_*"]})])
    part = catalogue.granted(["[a-m]*"])
    asked: dict[str, Search] = {
        "ten hits": whole.search,
        "one hit": partial(whole.search, limit=1),
        "fifty hits": partial(whole.search, limit=50),
        "the first of a run with rules": lambda query: _first(catalogue, policy, whole, query),
        "the first of a run with some": lambda query: _first(part, policy, whole, query),
    }
    for name, search in asked.items():
        clock, cpu = _times(search, count)
        table.add(name, median(clock), percentile(clock, 95), median(cpu), len(clock))
        if name == "ten hits":
            report.budgets.append(Budget("query, ten hits, CPU p50", median(cpu), "≤", 5.0, "ms"))


def _first(catalogue: Catalogue, policy: Policy, wider: Discovery, query: str) -> object:
    return Discovery(catalogue, policy, wider).search(query)


def _times(search: Search, count: int) -> tuple[list[float], list[float]]:
    """Of the clock and of the CPU, in ms."""
    clock: list[float] = []
    cpu: list[float] = []
    for turn in range(count + 1):
        for query in QUERIES:
            start, used = perf_counter(), process_time()
            search(query)
            if turn:
                clock.append((perf_counter() - start) * 1000)
                cpu.append((process_time() - used) * 1000)
    return clock, cpu


def _offer(report: Report) -> None:
    count, tokens = tokenizer()
    heads = ("bytes", "tokens", "of the list", "estimated", "bytes a token")
    table = report.table("The description", "tools, namespaces", "shows all", *heads)
    for tools, spaces in _OFFERS:
        _add(table, f"{tools}, {spaces}", _text(tools, spaces), count)
    hundred = max(_number(row[3]) for row in table.rows if str(row[0]).startswith("100,"))
    longest = max(_number(row[4]) for row in table.rows)
    report.budgets.append(Budget("100 tools, tokens in all", hundred, "≤", 1800, ""))
    report.budgets.append(Budget("the list, tokens", longest, "≤", TOKENS, ""))
    report.notes.append(f"Tokens: {tokens}.")


def _text(tools: int, spaces: int) -> str:
    catalogue = Catalogue.of(many(tools, spaces))
    catalogue.close()
    return offer(Discovery(catalogue, Policy([])))


def _add(table: Table, name: str, text: str, count: Callable[[str], int]) -> None:
    listed = text[text.index("The list is") :]
    whole, of_list = count(text), count(listed)
    size = len(text.encode())
    is_all = "yes" if "COMPLETE" in text else "no"
    ratio = len(listed.encode()) / of_list
    table.add(name, is_all, size, whole, of_list, round(tokens_of(listed)), ratio)


def _number(cell: object) -> float:
    assert isinstance(cell, int | float)
    return cell


if __name__ == "__main__":
    main("discovery", measure)

"""`seed` and `clock`: what they fix, for whom, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from onehop import InvalidRequestError, Sandbox

NOON = "2026-01-31T12:00:00Z"
MS = 1_769_860_800_000

EVERYTHING = """
console.time("t"); console.timeEnd("t"); console.log(new Date());
const random = [Math.random(), crypto.randomUUID(),
  [...crypto.getRandomValues(new Uint8Array(40))]];
const dates = [Date.now(), new Date(), Date(), String(Temporal.Now.instant()),
  String(Temporal.Now.plainDateISO()), String(Temporal.Now.plainTimeISO()),
  String(Temporal.Now.zonedDateTimeISO("Asia/Tokyo")), new Intl.DateTimeFormat("en").format(),
  new Intl.DateTimeFormat("en").formatToParts().length, new Event("x").timeStamp,
  new File([], "f").lastModified];
const times = [performance.now(), performance.timeOrigin, performance.mark("a").startTime,
  performance.measure("m").duration, new PerformanceMark("b").startTime, performance.toJSON()];
return { random, dates, times, error: new Error("e").stack };
"""


@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_the_same_seed_and_clock_give_the_same_bytes(language: str, sandbox: Sandbox) -> None:
    first = await sandbox.execute(EVERYTHING, language, seed=7, clock=NOON)
    again = await sandbox.execute(EVERYTHING, language, seed=7, clock=MS)
    assert first.success, first.error
    assert (first.output, first.logs) == (again.output, again.logs)
    assert first.logs[0] == "t: 0ms"
    other = await sandbox.execute(EVERYTHING, language, seed=8, clock=MS)
    assert other.output["random"] != first.output["random"]
    assert other.output["dates"] == first.output["dates"]


async def test_a_realm_has_the_seed_and_the_clock_of_its_run_alone(sandbox: Sandbox) -> None:
    own = await sandbox.execute(EVERYTHING, seed=7, clock=NOON)
    realm = await sandbox.execute(EVERYTHING, seed=7, clock=NOON, isolation="realm")
    assert realm.success, realm.error
    assert (realm.output, realm.logs, realm.isolation) == (own.output, own.logs, "realm")
    code = "return [Date.now(), Math.random(), performance.now()]"
    free = [await sandbox.execute(code, isolation="realm") for _ in range(2)]
    (now, drawn, elapsed), (_, other, _) = free[0].output, free[1].output
    assert now > MS or now < MS - 1000
    assert elapsed > 0
    assert drawn != other


async def test_a_fixed_clock_stands_still(sandbox: Sandbox) -> None:
    code = """
      const before = [Date.now(), performance.now(), String(Temporal.Now.instant())];
      await new Promise((done) => setTimeout(done, 20));
      return [before, [Date.now(), performance.now(), String(Temporal.Now.instant())]]"""
    before, after = (await sandbox.execute(code, clock=NOON)).output
    assert before == after == [MS, 0, "2026-01-31T12:00:00Z"]


async def test_random_numbers_of_a_seed_are_spread_over_their_range(sandbox: Sandbox) -> None:
    code = """
      const n = Array.from({ length: 4000 }, () => Math.random());
      const bytes = new Set(crypto.getRandomValues(new Uint8Array(4000)));
      return { mean: n.reduce((a, b) => a + b) / n.length, least: Math.min(...n),
        most: Math.max(...n), different: new Set(n).size, bytes: bytes.size,
        uuid: crypto.randomUUID() }"""
    for seed in (0, 1, 2**53 - 1):
        found = (await sandbox.execute(code, seed=seed)).output
        assert 0.47 < found["mean"] < 0.53
        assert 0 <= found["least"] < 0.01 < 0.99 < found["most"] < 1
        assert (found["different"], found["bytes"]) == (4000, 256)
        assert found["uuid"][14] == "4"
        assert found["uuid"][19] in "89ab"


async def test_dates_stay_dates_under_a_fixed_clock(sandbox: Sandbox) -> None:
    code = """
      class Day extends Date { get year() { return this.getUTCFullYear() } }
      const now = new Date();
      return [now instanceof Date, now.constructor === Date, Object.prototype.toString.call(now),
        new Day().year, new Day(0).year, new Date(2020, 1).getMonth(), Date.UTC(2020, 0),
        Date.name, Date.length, structuredClone(now).getTime(), typeof Date(),
        performance.measure("m", { start: 1, end: 3 }).duration,
        performance.mark("a", { startTime: 5 }).startTime,
        new File([], "f", { lastModified: 9 }).lastModified]"""
    output = (await sandbox.execute(code, clock=MS)).output
    assert output == [
        True, True, "[object Date]", 2026, 1970, 1, 1_577_836_800_000, "Date", 7, MS, "string", 2,
        5, 9,
    ]  # fmt: skip


async def test_without_them_nothing_is_fixed(sandbox: Sandbox) -> None:
    code = "return [Math.random(), Date.now(), crypto.randomUUID(), String(Math.random)]"
    one, two = [(await sandbox.execute(code)).output for _ in range(2)]
    assert one[0] != two[0]
    assert one[1] <= two[1]
    assert one[2] != two[2]
    assert "[native code]" in one[3]


NOT_SEEDS: list[Any] = [-1, 1.5, True, 2**53, "x", float("nan"), float("inf"), []]
NOT_CLOCKS: list[Any] = [float("nan"), float("inf"), 8.65e15, True, [], {}, "", "soon", "5"]
NOT_CLOCKS += ["+300000-01-01T00:00:00Z", "2026-13-01"]


@pytest.mark.parametrize(
    ("field", "value"),
    [*[("seed", each) for each in NOT_SEEDS], *[("clock", each) for each in NOT_CLOCKS]],
)
async def test_a_wrong_value_is_refused_by_name(field: str, value: Any, sandbox: Sandbox) -> None:
    options: dict[str, Any] = {field: value}
    with pytest.raises(InvalidRequestError, match=f"{field}: got .*; it must be") as caught:
        await sandbox.execute("return 1", **options)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("clock", "ms"),
    [
        ("2026-01-31", 1_769_817_600_000),
        ("2026-01-31T12:00:00+02:00", MS - 7_200_000),
        ("2026-01-31T12:00:00.250", MS + 250),
        ("0001-01-01", -62_135_596_800_000),
        (-8.64e15, -8_640_000_000_000_000),
        (1.9, 1),
    ],
)
async def test_a_clock_is_ms_or_an_iso_time(clock: float | str, ms: int, sandbox: Sandbox) -> None:
    code = "return [Date.now(), new Date().getTime(), Temporal.Now.instant().epochMilliseconds]"
    assert (await sandbox.execute(code, clock=clock)).output == [ms] * 3

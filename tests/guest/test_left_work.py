"""Work that the code does not await: it gets a moment, fails the run, or is named in a warning."""

from __future__ import annotations

import pytest

from tests.guest.worker import RunGuest

LATER = "const later = (ms) => new Promise((done) => setTimeout(done, ms));\n"


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("async function main() { await later(5); console.log('done') }\nmain()", ["done"]),
        ("(async () => { for (let i = 0; i < 1000; i++) await null; console.log('x') })()", ["x"]),
        ("setTimeout(() => setTimeout(() => console.log('second'), 20), 20)", ["second"]),
        ("let n = 0; const t = setInterval(() => { console.log(++n); "
         "if (n == 3) clearInterval(t) }, 10)", ["1", "2", "3"]),
        ("crypto.subtle.digest('SHA-256', new Uint8Array(1)).then(d => console.log(d.byteLength))",
         ["32"]),
        ("setTimeout(() => console.log('as in Node'), Infinity)", ["as in Node"]),
        ("queueMicrotask(() => console.log('micro')); setImmediate(() => console.log('macro'))",
         ["micro", "macro"]),
    ],
)  # fmt: skip
def test_work_of_code_that_returns_nothing_is_finished(
    code: str, lines: list[str], run: RunGuest
) -> None:
    run_ = run(LATER + code)
    assert (run_.lines, run_.output, run_.warnings) == (lines, None, [])


def test_a_returned_value_has_what_quick_work_puts_into_it(run: RunGuest) -> None:
    code = (
        "const out = []; [2, 1].forEach(async i => { await later(9 * i); out.push(i) });return out"
    )
    run_ = run(LATER + code)
    assert (run_.output, run_.warnings) == ([1, 2], [])


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("setTimeout(() => {}, 60_000); return 1", "1 timer."),
        ("setTimeout(() => {}, 60_000); setTimeout(() => {}, 60_000)", "2 timers."),
        ("setInterval(() => {}, 10); return 1", "1 interval."),
        ("setInterval(() => {}, 10); setTimeout(() => {}, 60_000)", "1 timer and 1 interval."),
        ("const next = () => setTimeout(next, 5); next(); return 1", "1 timer."),
        ("const hash = () => crypto.subtle.digest('SHA-1', new Uint8Array(1)).then(hash); hash();"
         "return 1", "a promise that had more to do."),
    ],
)  # fmt: skip
def test_work_that_is_left_is_named(code: str, left: str, run: RunGuest) -> None:
    (warning,) = run(code).warnings
    assert warning.startswith("work was left behind when the run ended: " + left)
    assert "await it, or clear it" in warning


def test_work_that_takes_too_long_costs_a_moment_only(run: RunGuest) -> None:
    code = "return [Date.now(), {toJSON() { return Date.now() }}]"
    for before, most in (("setInterval(() => {}, 1);", 600), ("setTimeout(() => {}, 5000);", 60)):
        started, ended = run(before + code).output
        assert ended - started < most, before


def test_a_deadline_holds_for_work_that_is_left(run: RunGuest) -> None:
    # The host has the deadline: here the worker is only seen not to answer.
    with pytest.raises(TimeoutError):
        run("(async () => { for (;;) await null })(); return 1", patience=2)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("(async () => { throw new Error('disk full') })(); return 'saved'", 2),
        ("Promise.reject(new Error('disk full'))", 2),
        ("async function save() {\n  await later(5); throw new Error('disk full') }\nsave()", 3),
        ("setTimeout(() => { throw new Error('disk full') }, 5)", 2),
        ("setTimeout(() => { throw new Error('disk full') }, 5); return 1", 2),
        ("(async () => { await null; throw new Error('disk full') })(); return new Map()", 2),
    ],
)
def test_an_error_in_work_that_is_left_fails_the_run(code: str, line: int, run: RunGuest) -> None:
    failure = run(LATER + code).failure
    assert (failure.name, failure.message, failure.line) == ("Error", "disk full", line)
    assert failure.stack is not None
    assert f"code.js:{line}:" in failure.stack


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "code",
    [
        "const p = Promise.reject(new Error('x')); await later(20); try { await p } catch {}",
        "const p = Promise.reject(new Error('x')); setTimeout(() => p.catch(() => {}), 20)",
        "const all = [1, 2].map(async i => { await later(i); throw new Error('x') });"
        "await later(20); await Promise.allSettled(all)",
    ],
)
def test_a_rejection_that_is_handled_before_the_end_is_none(code: str, run: RunGuest) -> None:
    assert run(LATER + code).output is None


def test_a_rejection_explains_a_run_that_waits_for_ever(run: RunGuest) -> None:
    code = "Promise.reject(new Error('why')); await new Promise(() => {})"
    assert run(code).failure.message == "why"


def test_the_code_cannot_silence_a_rejection(run: RunGuest) -> None:
    code = """
    Map.prototype.set = Map.prototype.entries = Map.prototype[Symbol.iterator] = () => {};
    Promise.prototype.then = Promise.prototype.catch = () => {};
    Object.getPrototypeOf(new Map().entries ?? {}).next = () => ({ done: true });
    for (const type of ['unhandledrejection', 'error', 'beforeunload']) {
      addEventListener(type, event => { event.preventDefault(); event.stopImmediatePropagation() });
    }
    globalThis.dispatchEvent = globalThis.Promise = null;
    (async () => { throw new Error('disk full') })();
    return 'saved'"""
    assert run(code).failure.message == "disk full"


WAIT = """
const cells = new Int32Array(new SharedArrayBuffer(8));
const wait = (cell, ms) => Atomics.waitAsync(cells, cell, 0, ms).value;
const wake = (cell, most) => Atomics.notify(cells, cell, most);
"""


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("return wait(0, 5)", "timed-out"),
        ("const seen = []; wait(0, 5).then(end => seen.push(end)); return seen", ["timed-out"]),
        ("setTimeout(wake, 5, 0); return wait(0)", "ok"),
        ("const end = wait(0); wake(0); return end", "ok"),
        ("const ends = [wait(0, 40), wait(0), wait(1, 1)]; setTimeout(wake, 9, 0, 1);"
         "setTimeout(wake, 60, 0, 1); return Promise.all(ends)", ["ok", "ok", "timed-out"]),
        ("wait(0); const end = wait(0); return wake(0, 1)", 1),
        ("Atomics.store(cells, 0, 1); return Atomics.waitAsync(cells, 0, 0, 9999)",
         {"async": False, "value": "not-equal"}),
    ],
)  # fmt: skip
def test_a_wait_for_shared_memory_ends(code: str, output: object, run: RunGuest) -> None:
    run_ = run(WAIT + code)
    assert (run_.output, run_.warnings) == (output, [])


def test_a_wait_that_nothing_ends_is_told(run: RunGuest) -> None:
    assert run(WAIT + "await wait(0)").failure.name == "PromiseNeverSettledError"
    (warning,) = run(WAIT + "wait(0, 60_000); return 1").warnings
    assert "1 timer" in warning

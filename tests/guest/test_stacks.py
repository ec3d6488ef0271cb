"""Stacks that the code reads: its own frames, at the places of its own text."""

from __future__ import annotations

import json

import pytest

from tests.guest.worker import RunGuest

OURS = ("onehop", "__run__", "blob:", "ext:", "runJob", "runToEnd", "data:", "<anonymous>")

STACKS = {
    "an error that V8 throws": (
        "try { null.x } catch (e) { return e.stack }",
        "TypeError: Cannot read properties of null (reading 'x')\n    at code.js:1:12",
    ),
    "functions and methods": (
        "class A { static make() { return new Error('m') } constructor() { this.e = A.make() } }\n"
        "const f = () => new A().e.stack;\nreturn f()",
        "Error: m\n    at A.make (code.js:1:34)\n    at new A (code.js:1:78)\n"
        "    at f (code.js:2:17)\n    at code.js:3:8",
    ),
    "a frame behind an await": (
        "async function f() { await null; return new Error('m').stack }\nreturn await f()",
        "Error: m\n    at f (code.js:1:41)\n    at code.js:2:8",
    ),
    "frames of built-ins between": (
        "return [1].map(function each() { return new Error('m').stack })[0]",
        "Error: m\n    at each (code.js:1:41)\n    at code.js:1:12",
    ),
    "a callback of a timer": (
        "return await new Promise(r => setTimeout(function late() { r(new Error('m').stack) }))",
        "Error: m\n    at late (code.js:1:62)",
    ),
    "captureStackTrace": (
        "function f(o) { Error.captureStackTrace(o, f); return o.stack }\n"
        "return f({ message: 'm' })",
        "Error: m\n    at code.js:2:8",
    ),
    "a name and message of one's own": (
        "class E extends Error { get name() { return 'Mine' } }\nreturn new E('m').stack",
        "Mine: m\n    at code.js:2:8",
    ),
    "no frames": ("Error.stackTraceLimit = 0; return new Error('m').stack", "Error: m"),
}  # fmt: skip


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_that_code_reads_is_in_its_own_coordinates(name: str, run: RunGuest) -> None:
    code, stack = STACKS[name]
    assert run(code).output == stack


def test_a_stack_of_typescript_is_in_its_own_coordinates(run: RunGuest) -> None:
    code = "const f = (x: number): string => new Error('a').stack!; return f(1)"
    plain = "const f = (x        )         => new Error('a').stack ; return f(1)"
    stack = run(code, language="typescript", plain=plain).output
    assert stack == "Error: a\n    at f (code.ts:1:34)\n    at code.ts:1:64"


def test_call_sites_are_those_of_the_code(run: RunGuest) -> None:
    code = """
    const before = Error.prepareStackTrace;
    Error.prepareStackTrace = (error, sites) => sites;
    const sites = (function named() { return new Error('m').stack })();
    Error.prepareStackTrace = before;
    return [sites.map(s => [s.getFileName(), s.getScriptNameOrSourceURL(), s.getLineNumber(),
                            s.getColumnNumber(), s.getFunctionName(), s.isToplevel(), s.isAsync(),
                            String(s), s.getThis(), s.getFunction(), s.constructor === Object]),
            new Error('again').stack.split('\\n').length]"""
    sites, lines = run(code).output
    file = ["code.js", "code.js"]
    assert sites == [
        [*file, 4, 46, "named", True, False, "named (code.js:4:46)", None, None, True],
        [*file, 4, 69, None, True, False, "code.js:4:69", None, None, True],
    ]
    assert lines == 2


def test_what_the_code_puts_in_place_may_throw_or_return_anything(run: RunGuest) -> None:
    code = """
    Error.prepareStackTrace = () => ({ mine: 1 });
    const seen = [new Error('m').stack];
    Error.prepareStackTrace = () => { throw new RangeError('no') };
    try { seen.push(new Error('m').stack) } catch (e) { seen.push(e.name) }
    Error.prepareStackTrace = undefined;
    class Mine extends Error {}
    Mine.prepareStackTrace = () => 'not asked';
    seen.push(new Mine('m').stack, Object.keys(Mine), delete globalThis.nothing);
    return seen"""
    output = run(code).output
    assert output[0] == {"mine": 1}
    assert output[-3:] == ["Error: m\n    at code.js:9:15", ["prepareStackTrace"], True]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "code",
    [
        "throw new Error('m')",
        "console.log(new Error('m')); console.trace('t')",
        "return [new Error('m'), new DOMException('d'), new AggregateError([], 'm').stack]",
        "globalThis.Error = null; throw new TypeError('m')",
        "const e = new Error('m'); e.stack += '\\n    at x (onehop:guest:1:2)'; throw e",
        "await Promise.reject(new Error('m'))",
        "setTimeout('x')",
        "structuredClone(() => {})",
        "new MessageChannel().port1.postMessage(Symbol())",
        "crypto.subtle.digest('none', new Uint8Array(1))",
    ],
)
def test_nothing_of_ours_shows_in_any_result(code: str, run: RunGuest) -> None:
    run_ = run(code)
    seen = json.dumps([run_.lines, getattr(run_.end, "output", None)])
    seen += getattr(run_.end, "stack", None) or ""
    assert not [word for word in OURS if word in seen]


OLD_STYLE = (
    "function E(m) { this.message = m; this.name = 'Mine'; %s }\n"
    "E.prototype = Object.create(Error.prototype);\n"
)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("extra", "line"),
    [("", None), ("this.stack = new Error().stack", 1), ("Error.captureStackTrace(this, E)", 3)],
)
def test_an_error_of_an_old_style_class_is_an_error(
    extra: str, line: int | None, run: RunGuest
) -> None:
    failure = run(OLD_STYLE % extra + "throw new E('bad')").failure
    assert (failure.name, failure.message, failure.line) == ("Mine", "bad", line)
    value = run(OLD_STYLE % extra + "return new E('bad')").output
    assert (value["name"], value["message"]) == ("Mine", "bad")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "handler", ["{}", "{ get() { throw 1 } }", "{ getPrototypeOf() { return null } }"]
)
def test_an_error_behind_a_proxy_is_an_error(handler: str, run: RunGuest) -> None:
    failure = run(f"\nthrow new Proxy(new TypeError('bad'), {handler})").failure
    assert (failure.name, failure.message, failure.line) == ("TypeError", "bad", 2)


def test_prototypes_without_end_are_no_errors(run: RunGuest) -> None:
    code = """
    const endless = new Proxy({}, { getPrototypeOf() { return endless } });
    throw Object.create(endless)"""
    assert run(code).failure.name == "Error"

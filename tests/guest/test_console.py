"""The console formats like Node's ``util.inspect`` and sends one frame per call."""

from __future__ import annotations

import json
import re

import pytest

from tests.guest.worker import LIMITS, RunGuest

# Arguments, and what Node 20 prints for them.
LINES: list[tuple[str, str]] = [
    ("", ""),
    ("'a', 1, true, null, undefined, 10n, -0", "a 1 true null undefined 10n -0"),
    ("{a: 1, b: 'it\\'s', 'c-d': [1, 'x']}", "{ a: 1, b: \"it's\", 'c-d': [ 1, 'x' ] }"),
    ("{a: {b: {c: {}}}}, [[[[1]]]]", "{ a: { b: { c: {} } } } [ [ [ [Array] ] ] ]"),
    ("{a: {b: {c: {d: 1}}}}", "{ a: { b: { c: [Object] } } }"),
    (
        "new Map([['k', {z: 1}]]), new Set([1, 'a'])",
        "Map(1) { 'k' => { z: 1 } } Set(2) { 1, 'a' }",
    ),
    ("new Date(0), new Date(NaN)", "1970-01-01T00:00:00.000Z Invalid Date"),
    ("/re/gi, Symbol('q')", "/re/gi Symbol(q)"),
    ("function foo() {}, () => {}", "[Function: foo] [Function (anonymous)]"),
    (
        "class A {}, class B extends Array {}, Math.max",
        "[class A] [class B extends Array] [Function: max]",
    ),
    ("new (class Foo { x = 1; #y = 2 })()", "Foo { x: 1 }"),
    ("[1, , 3], new Array(5)", "[ 1, <1 empty item>, 3 ] [ <5 empty items> ]"),
    ("new Uint8Array([1, 2])", "Uint8Array(2) [ 1, 2 ]"),
    ("Promise.resolve(4), new Promise(() => {})", "Promise { 4 } Promise { <pending> }"),
    ("{get a() { return 1 }, set b(v) {}}", "{ a: [Getter], b: [Setter] }"),
    (
        "(() => { const c = {n: 1}; c.self = c; return c })()",
        "<ref *1> { n: 1, self: [Circular *1] }",
    ),
    ("Object.create(null)", "[Object: null prototype] {}"),
    ("[new Boolean(true), new String('s')]", "[ [Boolean: true], [String: 's'] ]"),
    ("['a\\nb']", "[ 'a\\nb' ]"),
    ("[Array(3).fill('é')], [[]]", "[ [ 'é', 'é', 'é' ] ] [ [] ]"),
    ("'%s|%s|%s', 'x', {a: {b: 1}}, Symbol('s')", "x|{ a: [Object] }|Symbol(s)"),
    ("'%s %s', 5n, -0", "5n -0"),
    ("'%s', {toString() { return 'mine' }}", "mine"),
    (
        "'%s %s', {[Symbol.toPrimitive]: () => 'own'}, new Proxy({toString: () => 'behind'}, {})",
        "own behind",
    ),
    ("'%d %d %d %d', 42.5, '0x10', 5n, {}", "42.5 16 5n NaN"),
    ("'%i %i %f', 42.9, '7px', '3.5x'", "42 7 3.5"),
    ("'%j %j', {a: [1]}, undefined", '{"a":[1]} undefined'),
    ("'%O %o', {a: {b: {c: {d: 1}}}}, [1]", "{ a: { b: { c: [Object] } } } [ 1, [length]: 1 ]"),
    ("'%c styled %%', 'color: red'", " styled %"),
    ("'100%', '%s', '%x', 1", "100% %s %x 1"),
    ("'%s'", "%s"),
    ("'%s a', 'b', 'c', {d: 1}", "b a c { d: 1 }"),
    ("'50% %s', 'x'", "50% x"),
    ("1, '%s', 2", "1 %s 2"),
]  # fmt: skip


@pytest.fixture(scope="module")
def printed(run: RunGuest) -> list[str]:
    return run("\n".join(f"console.log({code});" for code, _ in LINES)).lines


@pytest.mark.parametrize("index", range(len(LINES)), ids=lambda index: LINES[index][0][:40])
def test_a_line_reads_as_in_node(index: int, printed: list[str]) -> None:
    assert printed[index] == LINES[index][1]


def test_each_method_has_its_level(run: RunGuest) -> None:
    names = ["log", "info", "warn", "error", "debug", "dir", "dirxml", "table", "group", "trace"]
    logs = run(f"for (const n of {json.dumps(names)}) console[n]('x')").logs
    assert [log.level for log in logs] == ["log", "info", "warn", "error", "debug", *["log"] * 5]
    assert logs[0].message == "x"


def test_groups_indent_every_line(run: RunGuest) -> None:
    code = """
    console.group('outer'); console.log('a\\nb'); console.groupCollapsed(); console.warn('c');
    console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('d')"""
    assert run(code).lines == ["outer", "  a\n  b", "    c", "d"]


def test_counts_and_timers(run: RunGuest) -> None:
    code = """
    console.count(); console.count(); console.count('z'); console.countReset();
    console.count(); console.countReset('nope');
    console.time('t'); console.timeLog('t', {a: 1}); console.timeEnd('t'); console.timeEnd('t')"""
    run_ = run(code)
    assert run_.lines[:5] == [
        "default: 1",
        "default: 2",
        "z: 1",
        "default: 1",
        "Count for 'nope' does not exist",
    ]
    assert run_.lines[5].startswith("t: ")
    assert run_.lines[5].endswith("ms { a: 1 }")
    assert re.fullmatch(r"t: (0|[1-9]\d*)(\.\d{0,2}[1-9])?ms", run_.lines[6])
    assert run_.lines[7] == "No such label 't' for console.timeEnd()"
    assert [log.level for log in run_.logs[4:]] == ["warn", "log", "log", "warn"]


def test_assert_prints_only_what_fails(run: RunGuest) -> None:
    code = "console.assert(1, 'no'); console.assert(0); console.assert(false, 'a %s', 'b')"
    run_ = run(code)
    assert run_.lines == ["Assertion failed", "Assertion failed: a b"]
    assert {log.level for log in run_.logs} == {"error"}


def test_trace_shows_where_in_the_callers_text(run: RunGuest) -> None:
    lines = run("function f() {\n  console.trace('at %d', 1);\n}\nf()").lines
    assert lines == ["Trace: at 1\n    at f (code.js:2:11)\n    at code.js:4:1"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_a_printed_error_shows_the_callers_frames_only(language: str, run: RunGuest) -> None:
    file = "code.js" if language == "javascript" else "code.ts"
    code = "const f = () => { throw new TypeError('bad', {cause: new Error('why')}) };\n"
    code += "try { [1].map(f) } catch (e) { console.error('failed:', e, Object.assign(f, {})) }\n"
    code += "console.log(Object.assign(new Error('own'), {code: 7}))"
    both, own = run(code, language=language).lines
    assert both.startswith(f"failed: TypeError: bad\n    at f ({file}:1:25)\n")
    assert f"\n  [cause]: Error: why\n      at f ({file}:1:54)\n      at {file}:2:11\n" in both
    assert not any(word in both for word in ("onehop:", "ext:", "blob:", "__run__", "<anonymous>"))
    assert own == f"Error: own\n    at {file}:3:27 {{\n  code: 7\n}}"


def test_tables_are_drawn_as_in_node(run: RunGuest) -> None:
    code = """
    console.table([{a: 1, b: 'x'}, {a: 2, c: true}]);
    console.table(new Map([['k', 1]]));
    console.table([[1, 2], 3]);
    console.table({x: {y: 1, z: 2}}, ['y']);
    console.table('text')"""
    assert run(code).lines == [
        "┌─────────┬───┬─────┬──────┐\n"
        "│ (index) │ a │ b   │ c    │\n"
        "├─────────┼───┼─────┼──────┤\n"
        "│ 0       │ 1 │ 'x' │      │\n"
        "│ 1       │ 2 │     │ true │\n"
        "└─────────┴───┴─────┴──────┘",
        "┌───────────────────┬─────┬────────┐\n"
        "│ (iteration index) │ Key │ Values │\n"
        "├───────────────────┼─────┼────────┤\n"
        "│ 0                 │ 'k' │ 1      │\n"
        "└───────────────────┴─────┴────────┘",
        "┌─────────┬───┬───┬────────┐\n"
        "│ (index) │ 0 │ 1 │ Values │\n"
        "├─────────┼───┼───┼────────┤\n"
        "│ 0       │ 1 │ 2 │        │\n"
        "│ 1       │   │   │ 3      │\n"
        "└─────────┴───┴───┴────────┘",
        "┌─────────┬───┐\n│ (index) │ y │\n├─────────┼───┤\n│ x       │ 1 │\n└─────────┴───┘",
        "text",
    ]


def test_a_wide_or_long_table_is_whole_or_says_that_it_is_cut(run: RunGuest) -> None:
    code = """
    console.table([Object.fromEntries(Array.from({length: 150}, (_, i) => ['k' + i, i]))]);
    console.table(Array(1500).fill(7));
    const sparse = []; sparse[200_000] = 'far'; console.table(sparse);
    console.table(Array.from({length: 9}, () => Array(20_000).fill(1)));
    console.table(Array(100_000).fill({a: 1}))"""
    wide, long, sparse, *cut = run(code).lines
    assert " k149 │\n" in wide
    assert wide.splitlines()[3].endswith(" 149  │")
    assert "│ 1499    │ 7      │" in long
    assert "│ 200000  │ 'far'  │" in sparse
    assert all(table.endswith(" more characters)") for table in cut)


@pytest.mark.sample(1)
@pytest.mark.parametrize("capture", [True, False])
def test_a_filter_of_columns_that_is_not_a_list_throws_as_in_node(
    capture: bool, run: RunGuest
) -> None:
    code = """
    const given = ['a', null, 5, {}, () => 1, Object.create(null), 'x'.repeat(30)], seen = [];
    for (const each of given) {
      try { console.table([1], each) } catch (e) { seen.push([e.name, e.code, e.message]) }
    }
    return seen"""
    start = 'The "properties" argument must be an instance of Array. Received '
    received = [
        "type string ('a')",
        "null",
        "type number (5)",
        "an instance of Object",
        "function ",
        "[Object: null prototype] {}",
        f"type string ('{'x' * 25}...')",
    ]
    expected = [["TypeError", "ERR_INVALID_ARG_TYPE", start + words] for words in received]
    assert run(code, capture=capture).output == expected


def test_dir_takes_options(run: RunGuest) -> None:
    code = """
    const shown = {[Symbol.for('nodejs.util.inspect.custom')]: () => 'own words'};
    console.dir({a: {b: 1}}, {depth: 0}); console.dir('s');
    console.dir(new Proxy([1], {}), {showProxy: true}); console.dir(shown, {customInspect: true});
    console.dir({a: 1, b: 2}, {sorted: (one, other) => one < other ? 1 : -1})"""
    assert run(code).lines == [
        "{ a: [Object] }",
        "'s'",
        "Proxy [ [ 1 ], {} ]",
        "own words",
        "{ b: 2, a: 1 }",
    ]


def test_dir_groups_digits_as_node_does(run: RunGuest) -> None:
    code = """
    const shown = [1234567.1234567, -1234.5, 1234, 999, 1e21, NaN, 0.00001234, 123456789n, -1234n,
      [1234.5, new Number(12345)], { a: 1e6, b: new Set([99999n]) }];
    for (const value of shown) console.dir(value, { numericSeparator: true });
    console.dir(1234)"""
    assert run(code).lines == [  # what Node 20 prints
        "1_234_567.123_456_7",
        "-1_234.5",
        "1_234",
        "999",
        "1e+21",
        "NaN",
        "0.000_012_34",
        "123_456_789n",
        "-1_234n",
        "[ 1_234.5, [Number: 12_345] ]",
        "{ a: 1_000_000, b: Set(1) { 99_999n } }",
        "1234",
    ]


def test_nothing_that_an_argument_throws_leaves_the_console(run: RunGuest) -> None:
    code = """
    const revoked = Proxy.revocable({}, {}); revoked.revoke();
    const bad = {get [Symbol.toStringTag]() { throw new Error('tag') }};
    const custom = {[Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('custom') }};
    const text = {toString() { throw new Error('text') }};
    const json = {toJSON() { throw new Error('json') }};
    console.log(revoked.proxy); console.log(bad); console.log(custom); console.log('%s', text);
    console.log('%j', json); console.count(text); console.table(revoked.proxy);
    console.table([{get a() { throw new Error('cell') }}]);
    console.dir({}, {get depth() { throw new Error('option') }}); console.log('%d', text);
    return 'done'"""
    run_ = run(code)
    assert run_.output == "done"
    assert len(run_.logs) == 10
    for word in ("custom", "text", "json", "cell", "option"):
        assert any(f"[Threw: {word}]" in line for line in run_.lines), word


def test_no_value_is_too_strange_to_be_shown(run: RunGuest) -> None:
    code = """
    const evil = [
      new Proxy({}, {get() { throw 1 }, ownKeys() { throw 2 }, has() { throw 3 }}),
      Object.create(new Proxy({}, {get() { throw 1 }, getPrototypeOf() { throw 2 }})),
      {get constructor() { throw 1 }}, {constructor: new Proxy(class {}, {get() { throw 1 }})},
      Object.defineProperty(() => {}, 'name', {value: Symbol('x')}),
      Object.defineProperty(new Error('x'), 'stack', {get() { throw 1 }}),
      Object.defineProperty(new Error('x'), 'name', {value: Symbol('x')}),
      {[Symbol.for('nodejs.util.inspect.custom')](d, o, inspect) { return inspect(this) }},
      {[Symbol.for('Deno.privateCustomInspect')](inspect, o) { return inspect(this, o) }},
      ...[Date, Map, URL, URLSearchParams, Promise, RegExp, Uint8Array, Symbol, Error].flatMap(
        (of) => [of.prototype, Object.create(of.prototype)]),
      Array.from({length: 5000}).reduce((a) => ({a}), {}), new Uint8Array(5e6), globalThis,
    ];
    let shown = 0;
    for (const value of evil) {
      console.log(value); console.dir(value); console.table(value);
      console.log('%s %d %i %j %o %O', value, value, value, 1, value, value);
      shown++;
    }
    return shown === evil.length"""
    run_ = run(code, patience=40)
    assert run_.output is True
    assert not any(word in line for line in run_.lines for word in ("onehop:", "__run__"))


def test_a_long_message_is_cut_and_says_so(run: RunGuest) -> None:
    run_ = run("console.log('x'.repeat(100_000_000)); console.log('a', 'y'.repeat(70_000))")
    assert run_.lines[0] == "x" * 65536 + " … (99934464 more characters)"
    assert run_.lines[1].endswith("y … (4466 more characters)")


def test_escapes_do_not_make_a_frame_too_large(run: RunGuest) -> None:
    code = """
    console.log('\\0'.repeat(65000));
    for (let i = 0; i < 200; i++) console.group();
    console.log('\\n'.repeat(60000)); return 1"""
    assert run(code, output=256).output == 1


def test_huge_arguments_are_abbreviated(run: RunGuest) -> None:
    code = """
    console.log(new Array(1e9), new Uint8Array(1e7), [Array(1e6).fill('x')]);
    console.table(Array.from({length: 1e5}, (_, i) => ({i})));
    return 1"""
    run_ = run(code)
    assert run_.output == 1
    assert "9999900 more items" in run_.lines[0]


def test_a_flood_is_dropped_and_counted(run: RunGuest) -> None:
    run_ = run("for (let i = 0; i < 1000; i++) console.log(i); return 1", entries=10)
    assert run_.lines == [str(i) for i in range(10)]
    assert run_.end is not None
    assert getattr(run_.end, "dropped", None) == 990


def test_console_text_ends_at_its_bytes(run: RunGuest) -> None:
    run_ = run("for (let i = 0; i < 100; i++) console.log('é'.repeat(1000))", logs=5000)
    assert sum(len(line.encode()) for line in run_.lines) <= 5000
    assert run_.lines[0] == "é" * 1000
    assert run_.lines[2].endswith("more characters)")
    assert getattr(run_.end, "dropped", None) == 97


def test_lone_surrogates_are_replaced(run: RunGuest) -> None:
    assert run(r"console.log('a\ud800')").lines == ["a\ufffd"]


def test_without_capture_nothing_is_formatted_or_sent(run: RunGuest) -> None:
    code = "let n = 0; console.log({get a() { n++ }}); console.log('%s', {toString() { n++ }});"
    run_ = run(code + "return n", capture=False)
    assert (run_.logs, run_.output) == ([], 0)


def test_lines_printed_before_a_failure_are_kept(run: RunGuest) -> None:
    run_ = run("console.log('before'); throw new Error('x')")
    assert run_.lines == ["before"]
    assert run_.failure.message == "x"


def test_console_methods_work_without_their_object_and_can_be_replaced(run: RunGuest) -> None:
    code = "const {log} = console; log('a'); [1].forEach(log); console.log = () => {}; "
    assert run(code + "console.log('gone')").lines == ["a", "1 0 [ 1 ]"]


def test_the_limits_are_those_of_the_job(run: RunGuest) -> None:
    assert LIMITS["entries"] == 10_000
    assert run("console.log(1); return 2", entries=0).lines == []

"""The contract's section "Values", line by line."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

import pytest

from tests.guest.worker import RunGuest

VALUES: dict[str, tuple[str, Any]] = {
    "undefined": ("undefined", None),
    "undefined in an object": ("({a: undefined})", {"a": None}),
    "undefined in a list": ("[undefined, 1]", [None, 1]),
    "null": ("null", None),
    "numbers": ("[0, -0, 1.5, 1e21, -1e-7, 2 ** 53]", [0, 0, 1.5, 1e21, -1e-7, 2**53]),
    "numbers that JSON lacks": ("[NaN, Infinity, -Infinity]", [None, None, None]),
    "booleans": ("[true, false]", [True, False]),
    "a BigInt": ("[10n ** 30n, -1n]", ["1" + "0" * 30, "-1"]),
    "a string with escapes": (
        r"'a\"\\\n\t\u0000\u001f\u2028é😀'",
        "a\"\\\n\t\x00\x1f\u2028é😀",
    ),
    "a lone surrogate": (r"'a\ud800b\udc00'", "a\ufffdb\ufffd"),
    "a lone surrogate in a key": (r"({'\ud800': 1})", {"\ufffd": 1}),
    "a symbol": ("Symbol('tag')", "Symbol(tag)"),
    "a symbol as a key": ("({[Symbol('k')]: 1, a: 2})", {"a": 2}),
    "a function": ("[(a) => a + 1, class A {}]", ["(a) => a + 1", "class A {}"]),
    "a date": ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    "an invalid date": ("new Date(NaN)", None),
    "a Temporal value": ("Temporal.PlainDate.from('2020-02-03')", "2020-02-03"),
    "a Map with string keys": ("new Map([['a', 1], ['b', {c: 2}]])", {"a": 1, "b": {"c": 2}}),
    "an empty Map": ("new Map()", {}),
    "a Map with other keys": ("new Map([[1, 'a'], [{k: 1}, 2]])", [[1, "a"], [{"k": 1}, 2]]),
    "a Set": ("new Set([1, 'a', new Set()])", [1, "a", []]),
    "typed arrays": (
        "[new Uint8Array([1, 255]), new Float64Array([0.5, NaN]), new BigInt64Array([-1n])]",
        [[1, 255], [0.5, None], ["-1"]],
    ),
    "an ArrayBuffer": ("new Uint8Array([1, 2]).buffer", [1, 2]),
    "a part of a buffer": ("new Uint8Array([1, 2, 3]).subarray(1)", [2, 3]),
    "a DataView": ("new DataView(new Uint8Array([7, 8, 9]).buffer, 1)", [8, 9]),
    "a detached buffer": ("(() => { const a = new ArrayBuffer(9); a.transfer(); return a })()", []),
    "a RegExp": ("/a+/gi", "/a+/gi"),
    "a URL": ("new URL('https://a.b/c?d=1')", "https://a.b/c?d=1"),
    "URLSearchParams": ("new URLSearchParams({a: '1'})", "a=1"),
    "boxed values": (
        "[new Number(1), new String('s'), new Boolean(false), Object(1n), Object(Symbol('q'))]",
        [1, "s", False, "1", "Symbol(q)"],
    ),
    "a class instance": ("new (class { x = 1; #y = 2; get z() { return 3 } })()", {"x": 1}),
    "inherited fields": ("Object.create({a: 1}, {b: {value: 2, enumerable: true}})", {"b": 2}),
    "an object without prototype": ("Object.assign(Object.create(null), {a: 1})", {"a": 1}),
    "a cycle": ("(() => { const a = {n: 1}; a.a = a; a.l = [a]; return a })()",
                {"n": 1, "a": "[Circular]", "l": ["[Circular]"]}),
    "a value met twice": ("(() => { const a = {n: 1}; return [a, a] })()", [{"n": 1}, {"n": 1}]),
    "a getter that throws": (
        "({get a() { throw new Error('no') }, b: 1})", {"a": "[Threw: no]", "b": 1}
    ),
    "a toJSON that throws": ("[{toJSON() { throw 'x' }}, 1]", ["[Threw: x]", 1]),
    "a toJSON": ("({a: {toJSON(key) { return {key, when: new Date(0)} }}})",
                 {"a": {"key": "a", "when": "1970-01-01T00:00:00.000Z"}}),
    "a toJSON that returns itself": ("({a: 1, toJSON() { return this }})",
                                     {"a": 1, "toJSON": "toJSON() { return this }"}),
    "a promise": ("[Promise.resolve(1)]", ["[Promise]"]),
    "a sparse list": ("[1, , 3]", [1, None, 3]),
    "a key called __proto__": ("JSON.parse('{\"__proto__\": 1, \"a\": 2}')",
                               {"__proto__": 1, "a": 2}),
    "a Proxy": ("[new Proxy({a: 1}, {}), new Proxy([1, 2], {})]", [{"a": 1}, [1, 2]]),
    "a revoked Proxy": (
        "(() => { const p = Proxy.revocable({}, {}); p.revoke(); return [p.proxy, 1] })()",
        ["[Threw: Cannot perform 'get' on a proxy that has been revoked]", 1],
    ),
    "a generator": ("(function* () { yield 1; yield new Set([2]) })()", [1, [2]]),
    "iterators of a Map": (
        "(m => [m.keys(), m.values(), m.entries()])(new Map([['a', 1]]))",
        [["a"], [1], [["a", 1]]],
    ),
    "iterators of a Set": ("(s => [s.values(), s.entries()])(new Set([1]))", [[1], [[1, 1]]]),
    "iterators of lists and text": (
        "[[7, 8].values(), ['a'].entries(), 'é😀'[Symbol.iterator](), new Uint8Array([5]).keys()]",
        [[7, 8], [[0, "a"]], ["é", "😀"], [0]],
    ),
    "matches of a RegExp": (r"'a1b2'.matchAll(/\d/g)", [["1"], ["2"]]),
    "iterator helpers": (
        "[[1, 2, 3].values().map(x => x * 2).drop(1), [4, 5].values().filter(x => x > 4),"
        "Iterator.from({i: 0, next() { return {done: this.i > 1, value: this.i++} }})]",
        [[4, 6], [5], [0, 1]],
    ),
    "other built-in iterators": (
        "[new URLSearchParams('a=1').keys(),"
        " new Intl.Segmenter().segment('ab')[Symbol.iterator]().map(part => part.segment)]",
        [["a"], ["a", "b"]],
    ),
    "an iterator of one's own": (
        "new (class extends Iterator { n = 0; next() { return {done: this.n > 1, value: this.n++} }"
        "})()",
        [0, 1],
    ),
    "a generator that throws": ("(function* () { yield 1; throw new Error('no') })()",
                                [1, "[Threw: no]"]),
    "an async generator inside": ("[(async function* () { yield 1 })()]", ["[AsyncIterator]"]),
    "what is iterated only": (
        "[new Intl.Segmenter().segment('ab').containing(1).segment,"
        " Array.from(new Intl.Segmenter().segment('ab'), s => s.segment),"
        " {[Symbol.iterator]: function* () { yield 1 }}, Object.create({*[Symbol.iterator]() {"
        " yield 2 }}), new (class { #a = [3];"
        " [Symbol.iterator]() { return this.#a.values() } })()]",
        ["b", ["a", "b"], [1], [2], [3]],
    ),
    "segments": ("new Intl.Segmenter().segment('a')", [{"segment": "a", "index": 0, "input": "a"}]),
    "an iterator without a class": (
        "new (class { [Symbol.iterator]() { let i = 0; return {next: () => "
        "({done: i > 1, value: i++})} } })()",
        [0, 1],
    ),
    "an iterable with fields": ("new (class { a = 1; *[Symbol.iterator]() { yield 2 } })()",
                                {"a": 1}),
    "an iterable that yields itself": ("new (class { *[Symbol.iterator]() { yield this } })()",
                                       ["[Circular]"]),
    "an iterable that throws": ("({ get [Symbol.iterator]() { throw new Error('no') } })",
                                "[Threw: no]"),
    "a Proxy of a Map": (
        "new Proxy(new Map([[1, 2]]), {})",
        "[Threw: Method Map.prototype.entries called on incompatible receiver #<Map>]",
    ),
    "a WeakMap": ("new WeakMap()", {}),
    "raw JSON": (
        r"""['1', '-1.50', 'true', '"a\ud800"', '12345678901234567890', '1e1000',"""
        "'1' + '0'.repeat(400)].map(JSON.rawJSON)",
        [1, -1.5, True, "a\ufffd", "12345678901234567890", "1e1000", "1" + "0" * 400],
    ),
    "a suppressed error": (
        "(() => { const e = new SuppressedError(1, 2, 'both'); delete e.stack; return e })()",
        {"name": "SuppressedError", "message": "both", "error": 1, "suppressed": 2},
    ),
    "an error": (
        "(() => { const e = new TypeError('bad', {cause: 'why'}); e.code = 7; delete e.stack; "
        "return e })()",
        {"name": "TypeError", "message": "bad", "cause": "why", "code": 7},
    ),
    "a DOMException": ("(() => { try { atob('*') } catch (e) { return e.name } })()",
                       "InvalidCharacterError"),
}  # fmt: skip


@pytest.fixture(scope="module")
def all_values(run: RunGuest) -> dict[str, Any]:
    fields = ",".join(f"{json.dumps(name)}: {code}" for name, (code, _) in VALUES.items())
    output: dict[str, Any] = run(f"return {{{fields}}}").output
    return output


@pytest.mark.parametrize("name", VALUES)
def test_a_value_becomes_the_json_of_the_contract(name: str, all_values: dict[str, Any]) -> None:
    assert all_values[name] == VALUES[name][1]


def test_a_value_at_the_top_is_treated_like_one_inside(run: RunGuest) -> None:
    assert run("return new Map([['a', 1n]])").output == {"a": "1"}
    assert run("").output is None


def test_an_error_carries_its_stack_in_the_callers_coordinates(run: RunGuest) -> None:
    output = run("const f = () => new Error('x');\nreturn [f()]").output
    assert output[0]["stack"].splitlines() == [
        "Error: x",
        "    at f (code.js:1:17)",
        "    at code.js:2:9",
    ]


def test_an_async_generator_is_a_list_of_what_it_yields(run: RunGuest) -> None:
    assert run("return (async function* () { yield 1; yield await 2 })()").output == [1, 2]
    assert run("return new Blob(['é']).stream()").output == [[0xC3, 0xA9]]
    code = "return new (class { async *[Symbol.asyncIterator]() { yield 1 } })()"
    assert run(code).output == [1]
    failure = run("return (async function* () { yield 1; throw new Error('no') })()").failure
    assert failure.message == "no"


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["function*", "async function*"])
def test_an_endless_generator_ends_and_a_warning_says_so(kind: str, run: RunGuest) -> None:
    run_ = run(f"return ({kind} () {{ for (let i = 0;; i++) yield i }})()")
    assert run_.output == [*range(10_000), "[Truncated]"]
    assert run_.warnings == ["only the first 10000 values of an iterator are here: output"]


def test_a_long_iterator_with_an_end_is_whole(run: RunGuest) -> None:
    code = "return new Map(Array.from({length: 20_000}, (_, i) => [i, i])).values()"
    assert run(code).output == [*range(20_000)]


@pytest.mark.sample(1)
@pytest.mark.parametrize("plain", [0, 5000])
def test_integers_that_are_not_exact_are_told_with_their_path(plain: int, run: RunGuest) -> None:
    code = f"""
    return {{plain: Array({plain}).fill({{n: 1}}), a: [2 ** 60, {{b: -(2 ** 53)}}],
             m: new Map([[1, 2 ** 55]]), 'odd key': new Float64Array([0, 2 ** 70]),
             ok: [2 ** 53 - 1, 1.5, 2n ** 80n], s: new Set([2 ** 54, 2 ** 56])}}"""
    (warning,) = run(code).warnings
    assert warning.startswith("integers beyond 2^53 are not exact: ")
    assert "output.a[0], output.a[1].b, output.m[0][1], " in warning
    assert 'output["odd key"][1], output.s[0] and 1 more ' in warning
    assert "BigInt" in warning


def test_a_warning_is_one_line_of_bounded_length(run: RunGuest) -> None:
    code = r"return {['\n\u2028\x1b[31m' + 'k'.repeat(9000)]: {['q'.repeat(300)]: 2 ** 60}}"
    (warning,) = run(code).warnings
    assert warning.isprintable()
    assert len(warning) < 400


@pytest.mark.sample(1)
@pytest.mark.parametrize("make", ["({...o})", "new Map(Object.entries(o))"])
def test_keys_that_become_one_are_told(make: str, run: RunGuest) -> None:
    run_ = run(
        r"const o = {'a\ud800': 1, 'a\ud801': 2, b: {'\ud800': 1}}; return {x: " + make + "}"
    )
    assert run_.output == {"x": {"a\ufffd": 2, "b": {"\ufffd": 1}}}
    assert run_.warnings == [
        "keys became one when lone surrogates were replaced by U+FFFD; only the last value is "
        'left: output.x["a\ufffd"]',
        'lone surrogates were replaced by U+FFFD: output.x.b["\ufffd"] '
        "(a character was cut in two; [...text] has whole ones)",
    ]


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("return {a: ['x', 'b\\ud83d']}", "output.a[1]"),
        ("return new Map([['k\\ud83d', 1]])", 'output["k\ufffd"]'),
        ("return Array.from({length: 9000}, (_, i) => i === 8000 ? '\\ude00' : 'x')", "[8000]"),
        ("console.log('b\\ud83d')", "console lines"),
    ],
)
def test_half_of_a_character_is_told_with_its_place(code: str, place: str, run: RunGuest) -> None:
    (warning,) = [each for each in run(code).warnings or () if "surrogates" in each]
    assert "replaced by U+FFFD" in warning
    assert place in warning


def test_whole_characters_are_not_told(run: RunGuest) -> None:
    assert not run("console.log('😀'); return {'é😀': ['\\ud83d\\ude00']}").warnings


HIDDEN = [
    "new Intl.NumberFormat('en')",
    "new WeakRef({})",
    "new Event('x')",
    "new (class { #a = 1 })()",
    "new (class { async *[Symbol.asyncIterator]() {} })()",
    "({[Symbol('s')]: 1})",
    "Object.defineProperty({}, 'a', {value: 1})",
    "Object.assign([], {a: 1})",
    "Object.assign(new Map(), {a: 1})",
    "Object.assign(new Set(), {a: 1})",
]


@pytest.mark.sample(1)
@pytest.mark.parametrize("plain", [0, 5000])
def test_an_object_that_comes_back_empty_is_told(plain: int, run: RunGuest) -> None:
    values = ", ".join(HIDDEN)
    run_ = run(f"return {{plain: Array({plain}).fill({{n: 1}}), a: [{values}, {{}}]}}")
    assert run_.output["a"] == [{}] * 7 + [[], {}, [], {}]
    (warning,) = run_.warnings
    assert warning.startswith("objects came back empty, ")
    assert ": output.a[0], output.a[1], output.a[2], output.a[3], output.a[4] and 5 " in warning


def test_a_list_used_as_an_object_is_told_between_plain_ones(run: RunGuest) -> None:
    code = "const odd = []; odd.total = 5; return [Array(9000).fill([]), [[odd]]]"
    (warning,) = run(code).warnings
    assert ": output[1][0][0] (" in warning


@pytest.mark.sample(1)
@pytest.mark.parametrize("raw", ["1e1000", "1" * 5000, "12345678901234567890"])
def test_raw_json_in_a_large_value_is_as_in_a_small_one(raw: str, run: RunGuest) -> None:
    output = run(f"return {{plain: Array(9000).fill(1), raw: [[JSON.rawJSON('{raw}')]]}}").output
    assert output["raw"] == [[raw]]


def test_an_ordinary_value_has_no_warnings(run: RunGuest) -> None:
    code = """
    return {a: [1, 1.5, 'x', {}, Object.create(null), new Map(), new Set()], e: new Error(''),
            b: new Map([['k', 1n]]), c: [].values(),
            d: new (class { *[Symbol.iterator]() {} })()}"""
    assert run(code).warnings == []


def test_a_large_output_keeps_its_warnings(run: RunGuest) -> None:
    run_ = run("return ['x'.repeat(5000), 2 ** 60, '\"]'.repeat(9)]", output=1000)
    assert run_.large.size > 5000
    assert "output[1]" in run_.warnings[0]


def test_depth_beyond_100_is_truncated(run: RunGuest) -> None:
    output = run("let a = []; for (let i = 0; i < 5000; i++) a = [a]; return a").output
    depth = 0
    while isinstance(output, list):
        output = output[0]
        depth += 1
    assert (depth, output) == (100, "[Truncated]")


def test_many_bytes_are_base64(run: RunGuest) -> None:
    code = "const a = new Uint8Array(65537).map((_, i) => i % 251); return [a, a.slice(0, 65536)]"
    big, small = run(code).output
    expected = bytes(i % 251 for i in range(65537))
    assert base64.b64decode(big["$bytes"]) == expected
    assert bytes(small) == expected[:-1]


@pytest.mark.sample(1)
@pytest.mark.parametrize("length", [200, 40_000])
def test_an_output_over_the_limit_comes_as_text_with_its_whole_length(
    length: int, run: RunGuest
) -> None:
    value = {"s": 'q"\\é😀' * length, "n": 1}
    large = run("return context", context=value, output=1000, keep=1 << 20).large
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert large.size == len(text.encode())
    assert large.text == text


def test_a_kept_text_is_cut_between_characters(run: RunGuest) -> None:
    large = run("return '😀'.repeat(100_000)", output=1000, keep=2002).large
    assert large.text == '"' + "😀" * 500
    assert large.size > 2002


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "code",
    [
        "return 'x'.repeat(100_000_000)",
        "return new Array(1e9)",
        "return new Proxy([], {get: (t, k) => k === 'length' ? 1e15 : k === 'toJSON' ? null : 1})",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; return a",
        "return new Uint8Array(60_000_000)",
        "return {toJSON() { return Array.from({length: 2e6}, (_, i) => i) }}",
        "const m = new Map(); m.set(0, {toJSON() { m.set(m.size, this); return 1 }}); return m",
    ],
)
def test_work_on_an_endless_value_stops_at_the_budget(code: str, run: RunGuest) -> None:
    large = run(code, output=100_000, keep=1_000_000).large
    assert large.size > 1_000_000 >= len(large.text) > 999_000


def test_a_large_context_comes_back_as_it_went_in(run: RunGuest) -> None:
    rows = [{"id": i, "name": f"näme {i}", "tags": ["a", None, True, 1.5]} for i in range(20_000)]
    assert run("return context", context={"rows": rows}).output == {"rows": rows}


def random_json(random: Random, depth: int = 0) -> Any:
    text = "".join(random.choices('ab"\\\n\x00\x7fé\u2028😀', k=random.randrange(12)))
    kind = random.randrange(9 if depth < 5 else 6)
    if kind < 6:
        number = random.choice([0, -1, 2**53, 0.1, 1e300, -5e-324])
        return (text, None, True, number, "\\ud800" + text, "")[kind]
    if kind < 8:
        return {f"{text}{i}": random_json(random, depth + 1) for i in range(random.randrange(8))}
    return [random_json(random, depth + 1) for _ in range(random.randrange(8))]


@pytest.mark.sample(1)
@pytest.mark.parametrize("seed", range(3))
def test_any_json_comes_back_as_it_went_in(seed: int, run: RunGuest) -> None:
    random = Random(seed)
    context = {"all": [random_json(random) for _ in range(6000)]}
    assert run("return context", context=context).output == context


def test_exotic_values_are_the_same_in_large_outputs(
    all_values: dict[str, Any], run: RunGuest
) -> None:
    names = [name for name in VALUES if "throws" not in name]
    fields = ",".join(f"{json.dumps(name)}: {VALUES[name][0]}" for name in names)
    code = f"""
    const plain = Array.from({{length: 3000}}, (_, i) => ({{i, text: 'some more text'}}));
    const make = () => ({{{fields}}});
    return [plain, ...Array.from({{length: 200}}, make), plain, [make(), 1, undefined, 2]]"""
    first, *many, last, mixed = run(code).output
    expected = {name: all_values[name] for name in names}
    assert first == last == [{"i": i, "text": "some more text"} for i in range(3000)]
    assert mixed == [expected, 1, None, 2]
    assert many == [expected] * 200


def test_a_getter_is_called_once_in_a_value_of_ordinary_size(run: RunGuest) -> None:
    assert run("let n = 0; return [{get a() { return ++n }}, {get b() { return ++n }}]").output == [
        {"a": 1},
        {"b": 2},
    ]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("return [1, 2].map(async (n) => n * 2)", "output[0], output[1]"),
        ("return { rows: Promise.resolve([1]) }", "output.rows"),
        ("return { all: [(async function* () { yield 1 })()] }", "output.all[0]"),
        ("return new Map([['late', Promise.resolve(1)]])", "output.late"),
    ],
)
def test_a_warning_names_what_nobody_awaited(run: RunGuest, code: str, place: str) -> None:
    (warning,) = run(code).warnings
    assert warning.startswith("promises and async iterators came back as text, ")
    assert place in warning

"""What a failed run says: the right name, words and place, in the caller's own text."""

from __future__ import annotations

import textwrap

import pytest

from onehop.workers.protocol import Failure
from tests.guest.worker import RunGuest

LANGUAGES = ["javascript", "typescript"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_is_placed_where_it_was_thrown(language: str, run: RunGuest) -> None:
    code = "const a = 1;\nfunction check(x) {\n  if (x) throw new RangeError('bad x');\n}\ncheck(a)"
    file = "code.js" if language == "javascript" else "code.ts"
    assert run(code, language=language).failure == Failure(
        name="RangeError",
        message="bad x",
        stack=f"RangeError: bad x\n    at check ({file}:3:16)\n    at {file}:5:1",
        line=3,
        column=16,
        syntax=False,
        dropped=0,
    )


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_of_the_first_line_are_those_of_the_caller(language: str, run: RunGuest) -> None:
    failure = run("const o = null; o.x", language=language).failure
    assert (failure.line, failure.column) == (1, 19)


def test_typescript_places_are_those_before_types_were_removed(run: RunGuest) -> None:
    code = """
    interface A { x: number }

    type B = { [K in keyof A]: string };
    enum E { One = 1 }
    const f = async (a: A, b?: B): Promise<never> => {
      await null; const t: number = a.x; throw new Error(`x ${t}`);
    };
    await f({ x: 1 } as A);"""
    failure = run(textwrap.dedent(code), language="typescript").failure
    assert (failure.message, failure.line, failure.column) == ("x 1", 7, 44)
    assert failure.stack == "Error: x 1\n    at f (code.ts:7:44)\n    at code.ts:9:1"


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("throw 'boom'", "boom"),
        ("throw undefined", "undefined"),
        ("throw null", "null"),
        ("throw 42n", "42n"),
        ("throw Symbol('s')", "Symbol(s)"),
        ("throw {a: 1, message: 'm'}", "{ a: 1, message: 'm' }"),
        ("throw [1, 2]", "[ 1, 2 ]"),
        ("await Promise.reject('later')", "later"),
        ("throw new Error('')", ""),
        ("throw Object.assign(new Error('m'), {name: ''})", "m"),
        ("throw new Error('a\\ud800')", "a\ufffd"),
    ],
)
def test_anything_can_be_thrown(code: str, message: str, run: RunGuest) -> None:
    failure = run(code).failure
    assert (failure.name, failure.message, failure.syntax) == ("Error", message, False)


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    "thrown",
    [
        "Object.defineProperty(new Error(), 'message', {get() { throw 1 }})",
        "Object.defineProperty(new Error('m'), 'name', {get() { throw 1 }})",
        "Object.defineProperty(new Error('m'), 'stack', {get() { throw 1 }})",
        "Object.assign(new Error('m'), {message: {}, name: 5, stack: Symbol()})",
        "new Proxy(new Error('m'), {get() { throw 1 }})",
        "Proxy.revocable(new Error('m'), {}).proxy",
        "(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy })()",
        "({get message() { throw 1 }, [Symbol.toPrimitive]() { throw 2 }})",
        "(() => { const e = new Error('m'); e.cause = e; return e })()",
        "new AggregateError(new Array(1e6).fill(1), 'm')",
        "Object.assign(new Error('m'), {errors: 5, get cause() { throw 1 }})",
        "new Error('x'.repeat(1e7))",
        "Object.setPrototypeOf(new Error('m'), null)",
        "Object.assign(new Error('m'), {stack: '    at f (onehop:code.js:1:1)\\n'.repeat(1e6)})",
        "(() => { Error.prepareStackTrace = () => { throw 1 }; return new Error('m') })()",
        "(() => { Error.prepareStackTrace = (e, s) => s; return new Error('m') })()",
        "(() => { Error.stackTraceLimit = 0; return new Error('m') })()",
        "(() => { delete Error.stackTraceLimit; return new Error('m') })()",
    ],
)
def test_a_hostile_error_is_still_an_error(thrown: str, run: RunGuest) -> None:
    failure = run(f"throw {thrown}").failure
    assert len(failure.message) < 9000
    assert len(failure.stack or "") < 17_000


def test_reasons_behind_an_error_are_told(run: RunGuest) -> None:
    code = "throw new Error('outer', {cause: new TypeError('inner', {cause: 'root'})})"
    assert run(code).failure.message == "outer (cause: inner; cause: root)"
    code = "await Promise.any([Promise.reject(new Error('a')), Promise.reject('b')])"
    failure = run(code).failure
    assert failure.name == "AggregateError"
    assert failure.message == "All promises were rejected (a; b)"


WITHOUT_STACK = ("delete e.stack", "stackTraceLimit = 0")
"""V8 does not tell where an error of another realm was made, once the error has no stack."""
PROMISES = "\nconst fail = async (text) => { throw new Error(text) };\n"


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("\nconst e = new Error('a');\ne.stack = e.stack.split('\\n')[0];\nthrow e", 2, 11),
        ("\nconst e = new Error('a');\ndelete e.stack;\nthrow e", 2, 11),
        ("Error.prepareStackTrace = () => 'none';\nconst e = new Error('a');\n"
         "e.stack = e.stack + '';\nthrow e", 2, 11),
        ("\nconst e = new Error('a');\ne.message = 'code';\nthrow e", 2, 11),
        ("\nconst e = { code: 7 };\nError.captureStackTrace(e);\nthrow e", 3, 7),
        ("Error.stackTraceLimit = 0;\nnull.x", 2, 6),
        (PROMISES + "await Promise.any([fail('a'), fail('b')])", 2, 38),
        ("const E = function () {};\nE.prototype = Object.create(Error.prototype);\n"
         "const e = new E();\ne.cause = new Error('why');\nthrow e", 4, 11),
        # What V8 does not know is not made up.
        ("function E() {}\nE.prototype = new Error('of the class');\nthrow new E()", None, None),
        ("\nthrow 'text'", None, None),
    ],
)  # fmt: skip
def test_an_error_has_its_line_as_far_as_v8_knows_it(
    code: str, line: int | None, column: int | None, run: RunGuest
) -> None:
    failure = run(code).failure
    expected = (line, column)
    if run.keywords["isolation"] == "realm" and any(words in code for words in WITHOUT_STACK):  # type: ignore[attr-defined]
        expected = (None, None)
    assert (failure.line, failure.column) == expected


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", LANGUAGES)
def test_comments_like_those_of_html_are_comments_in_any_line(language: str, run: RunGuest) -> None:
    code = "--> one\n<!-- two\n/* three */ --> four\nthrow new Error('five')"
    assert run(code, language=language).failure.line == 4
    code = "<!-- one\nreturn 2"
    assert run(code, language=language).output == 2


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("message", "told"), [("{ x: 1 }", "{ x: 1 }"), ("5", "5"), ("undefined", "")]
)
def test_a_message_that_is_not_text_is_shown(message: str, told: str, run: RunGuest) -> None:
    failure = run(f"throw Object.assign(new Error('a'), {{ message: {message} }})").failure
    assert (failure.message, failure.line) == (told, 1)


def test_an_error_that_was_suppressed_is_told(run: RunGuest) -> None:
    code = """
    using file = { [Symbol.dispose]() { throw new Error('not closed') } };
    throw new Error('disk full')"""
    assert run(code).failure.message.endswith("(not closed; disk full)")


def test_a_stack_overflow_has_a_place(run: RunGuest) -> None:
    failure = run("const f = () => f();\n\nf()").failure
    assert failure.name == "RangeError"
    assert failure.line == 1


def test_a_message_that_looks_like_frames_does_not_move_the_place(run: RunGuest) -> None:
    failure = run("\n\nthrow new Error('x\\n    at f (onehop:code.js:77:7)')").failure
    assert (failure.line, failure.column) == (3, 7)


def test_v8s_own_words_on_places_are_not_taken_for_places(run: RunGuest) -> None:
    failure = run("const a = 1;\nJSON.parse('[1, x]')").failure
    assert failure.name == "SyntaxError"
    assert (failure.syntax, failure.line, failure.column) == (False, 2, 6)


SYNTAX_ERRORS: list[tuple[str, str, str, int, int]] = [
    ("javascript", "let a = 1;\nlet b = = 2;", "Unexpected token '='", 2, 9),
    ("javascript", "let = = 2;", "Unexpected token '='", 1, 7),
    ("javascript", "let a;\nlet a;", "Identifier 'a' has already been declared", 2, 5),
    ("javascript", "if (1) {\n  f(;\n}", "Unexpected token ';'", 2, 5),
    ("javascript", "const s = 'abc", "Invalid or unexpected token", 1, 11),
    ("javascript", "import a from 'b'", "Cannot use import statement outside a module", 1, 1),
    ("javascript", "export const a = 1", "Unexpected token 'export'", 1, 1),
    ("javascript", "return 1 }", "Unexpected token '}'", 1, 10),
    ("javascript", "const a = 1;\n}\nreturn a", "Unexpected token '}'", 2, 1),
    ("typescript", "let a: number = 1;\nlet b = = 2;", "Expression expected", 2, 9),
    ("typescript", "let a: number;\n\nlet a = 2;",
     "Identifier 'a' has already been declared", 3, 5),
    ("typescript", "import a from 'b'; a()",
     "Cannot use import statement outside a module", 1, 1),
]  # fmt: skip


@pytest.mark.sample(5)
@pytest.mark.parametrize(("language", "code", "message", "line", "column"), SYNTAX_ERRORS)
def test_a_syntax_error_says_where_and_nothing_runs(
    language: str, code: str, message: str, line: int, column: int, run: RunGuest
) -> None:
    run_ = run("console.log('ran');" + "\n" + code, language=language)
    failure = run_.failure
    assert (failure.name, failure.syntax, run_.logs) == ("SyntaxError", True, [])
    assert failure.message == message
    assert (failure.line, failure.column) == (line + 1, column)


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_lines_syntax_error_has_the_callers_column(language: str, run: RunGuest) -> None:
    failure = run("let a = ) 1", language=language).failure
    assert (failure.syntax, failure.line, failure.column) == (True, 1, 9)


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("setTimeout(() => { throw new Error('timer') }); await new Promise(() => {})", "timer"),
        ("queueMicrotask(() => { throw new Error('job') }); await new Promise(() => {})", "job"),
        ("Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 999))", "lost"),
        ("setInterval(async () => { throw new Error('async') }, 1);"
         "await new Promise(r => setTimeout(r, 50))", "async"),
        ("const t = new EventTarget(); t.addEventListener('x', () => { throw new Error('event') });"
         "t.dispatchEvent(new Event('x')); await new Promise(() => {})", "event"),
        ("new ReadableStream({start() { return Promise.reject(new Error('stream')) }})"
         ".getReader().read().then(); await new Promise(() => {})", "stream"),
    ],
)  # fmt: skip
def test_an_error_nobody_handles_ends_the_run(code: str, message: str, run: RunGuest) -> None:
    failure = run(code).failure
    assert (failure.message, failure.line) == (message, 1)
    assert failure.column is not None
    assert failure.column > 1


def test_a_rejection_handled_in_time_is_no_failure(run: RunGuest) -> None:
    code = "const p = Promise.reject(1); await null; p.catch(() => {}); return 2"
    assert run(code).output == 2


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_promise_that_nothing_settles_is_reported(language: str, run: RunGuest) -> None:
    run_ = run("console.log(1);\nawait new Promise(() => {})", language=language)
    assert run_.lines == ["1"]
    assert run_.failure.name == "PromiseNeverSettledError"
    assert "never" in run_.failure.message


def test_import_is_refused_with_what_to_do_instead(run: RunGuest) -> None:
    failure = run("\nconst fs = await import('node:fs')").failure
    assert (failure.name, failure.line) == ("TypeError", 2)
    assert failure.message.startswith("import() is not available in the sandbox")
    assert "context" in failure.message

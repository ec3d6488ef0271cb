"""Names that code expects: those that are there, and what is said of those that are not."""

from __future__ import annotations

import pytest

from tests.guest.worker import RunGuest

ABSENT = """
Buffer fetch document require fs alert $json process window localStorage XMLHttpRequest module
exports __dirname $input items global axios lodash print None Deno Worker
""".split()


@pytest.fixture(scope="module")
def messages(run: RunGuest) -> dict[str, str]:
    tries = "".join(
        f"kinds.push(typeof {name}); try {{ {name} }} catch (e) {{ out.{name} = e }};"
        for name in ABSENT
    )
    code = f"const out = {{}}, kinds = []; {tries} return [kinds, out, out.Buffer.message]"
    kinds, errors, raw = run(code).output
    assert set(kinds) == {"undefined"}
    assert raw == "Buffer is not defined"
    return {name: error["message"] for name, error in errors.items()}


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", ABSENT)
def test_an_absent_name_is_told_with_what_to_write_instead(
    name: str, messages: dict[str, str]
) -> None:
    assert messages[name].startswith(f"{name} is not defined: ")
    assert len(messages[name]) > len(name) + 30


def test_a_failed_run_says_what_to_write_instead(run: RunGuest) -> None:
    failure = run("return Buffer.from('aGk=', 'base64').toString()").failure
    assert "Uint8Array.fromBase64(text)" in failure.message
    assert (failure.name, failure.line, failure.column) == ("ReferenceError", 1, 1)


def test_a_function_that_only_node_has_is_told_with_what_to_write_instead(run: RunGuest) -> None:
    failure = run("return crypto.randomBytes(16)").failure
    assert failure.message.startswith("crypto.randomBytes is not a function: ")
    assert "crypto.getRandomValues" in failure.message


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("return bufer", "bufer is not defined"),
        ("const len = 5; return len()", "len is not a function"),
        ("const fs = {}; return fs.require()", "fs.require is not a function"),
    ],
)
def test_a_name_of_the_codes_own_is_told_as_it_is(code: str, message: str, run: RunGuest) -> None:
    assert run(code).failure.message == message


def test_names_of_browsers_and_workers_that_are_harmless_are_there(run: RunGuest) -> None:
    code = """
    return [self === globalThis, Object.keys(navigator).length, typeof navigator.userAgent,
            new QuotaExceededError('full').name]"""
    assert run(code).output == [True, 5, "string", "QuotaExceededError"]


def test_a_channel_delivers_clones_in_order(run: RunGuest) -> None:
    code = """
    const { port1, port2 } = new MessageChannel(), got = [], sent = new Map([['a', [1]]]);
    port2.postMessage(sent); sent.set('a', 'changed'); port2.postMessage(2);
    port1.onmessage = ({ data }) => got.push(data);
    await new Promise((done) => port1.addEventListener('message', (e) => e.data === 2 && done()));
    port1.close(); port2.postMessage(3);
    await new Promise((done) => setTimeout(done, 5));
    return got"""
    assert run(code).output == [{"a": [1]}, 2]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("new MessageChannel().port1.postMessage(() => {})", "DataCloneError"),
        ("new MessageChannel().port1.postMessage(KEY)", "DataCloneError"),
        ("structuredClone(KEY)", "DataCloneError"),
        ("structuredClone({ a: new Map([[1, [KEY]]]) })", "DataCloneError"),
        ("structuredClone(new MessageChannel().port1)", "DataCloneError"),
        ("structuredClone([new MessageChannel()])", "DataCloneError"),
        ("const { port1, port2 } = new MessageChannel(); port1.postMessage({ port2 })",
         "DataCloneError"),
        ("const b = new ArrayBuffer(1); structuredClone(b, { transfer: [b, b] })",
         "DataCloneError"),
        ("structuredClone()", "TypeError"),
        ("new MessagePort()", "TypeError"),
    ],
)  # fmt: skip
def test_what_cannot_be_cloned_is_an_error_that_can_be_caught(
    code: str, name: str, run: RunGuest
) -> None:
    key = "await crypto.subtle.generateKey({name: 'HMAC', hash: 'SHA-256'}, true, ['sign'])"
    code = f"const KEY = {key}; try {{ {code} }} catch (e) {{ return e.name }}"
    assert run(code).output == name


def test_what_is_transferred_is_what_was_looked_at(run: RunGuest) -> None:
    code = """
    const given = [new ArrayBuffer(3), {}, 5];
    const list = Object.defineProperty([], 0, { get: () => given.shift() });
    return [structuredClone(1, { transfer: list }), given.length]"""
    assert run(code).output == [1, 2]


def test_no_object_of_the_platform_ends_the_worker_when_it_is_cloned(run: RunGuest) -> None:
    code = """
    const made = [];
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      const value = globalThis[name];
      made.push(value);
      for (const args of [[], ['gzip'], [{}], ['a:b'], [[]], ['x', {}], [() => {}]]) {
        try { made.push(new value(...args)) } catch {}
      }
    }
    made.push(await crypto.subtle.generateKey('Ed25519', true, ['sign']));
    let cloned = 0, refused = 0;
    for (const value of made) {
      if (value instanceof Promise) value.catch(() => {});
      try { structuredClone(value); cloned++ } catch { refused++ }
    }
    return [cloned > 50, refused > 50]"""
    assert run(code).output == [True, True]

"""The guest's own lint rules find what is planted, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import deno
import pytest

GUEST = Path(__file__).parents[2] / "src/onehop/guest"

PLANTED = {
    "global-object": ("globals", "export function f(x) { return JSON.stringify(x); }"),
    "global-constructor": ("globals", "export function f() { return new Map(); }"),
    "global-itself": ("globals", "export const f = () => globalThis;"),
    "global-value": ("globals", "export const f = () => [1, parseInt];"),
    "shadowed-property": ("globals", "export const f = (x) => ({ x: Map, Set: 1 });"),
    "method-of-array": ("methods", "export function f(x) { return x.push(1); }"),
    "method-of-string": ("methods", "export class A { f(x) { return x.slice(1); } }"),
    "method-of-iterator": ("methods", "export class A { #f(x) { x.next(); } }"),
    "method-if-there": ("methods", "export const f = (x) => x?.then(1);"),
    "method-of-typed-array": ("methods", "export const f = (x) => x.subarray(1);"),
    "method-in-field": ("methods", "export class A { x = ''.trim(); }"),
    "method-by-text": ("methods", "export const f = (x) => x['push'](1);"),
    "element": ("elements", "export function f() { const a = []; a[0] = 1; return a; }"),
    "element-of-rest": ("elements", "export const f = (...args) => { args[0] = 1; };"),
    "for-of": ("iteration", "export function f(x) { for (const y of x) return y; }"),
    "spread": ("iteration", "export const f = (x) => [...x];"),
    "spread-in-call": ("iteration", "export const f = (x) => x(...x);"),
    "array-pattern": ("iteration", "export const f = (x) => { const [y] = x; return y; };"),
    "array-parameter": ("iteration", "export function f([y]) { return y; }"),
    "yield-all": ("iteration", "export function* f(x) { yield* x; }"),
    "no-reason": ("globals", "/** @beforeGuest */\nexport function f() { return Map; }"),
    "let": ("state", "export let count = 0;"),
    "var": ("state", "var count = 0;"),
    "inspect": ("globals", "export const numbers = new Map();"),
    "table": ("methods", "export const list = 'a b'.split(' ');"),
}
CLEAN = {
    "top-level": "for (const x of [...new Map()].map((y) => y)) x.trim();",
    "static": "export class A { static { Object.keys(this).push(1); } }",
    "before": "/** @beforeGuest the start */\nexport function f(x) { return [...JSON.parse(x)]; }",
    "own-names": "export function f(Map, { Set }) { return [Map, Set, undefined, NaN]; }",
    "own-import": 'import { JSON } from "./top-level.js";\nexport const f = () => JSON;',
    "properties": "export const f = (x) => ({ ...x, Map: x.Map, y: x.slice, z: x.emit() });",
    "list": 'import { createList } from "./top-level.js";\n'
    "export function f() { const a = createList(); a[0] = [1]; return a; }",
    "rest": "export const f = (...args) => args;",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The rules that are broken in each file."""
    folder = tmp_path_factory.mktemp("planted")
    texts = CLEAN | {name: text for name, (_, text) in PLANTED.items()}
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text)
    done = subprocess.run(
        [deno.find_deno_bin(), "lint", "--json", "--config", GUEST / "deno.json", folder],
        env={"PATH": os.defpath, "DENO_DIR": str(folder / "cache"), "NO_COLOR": "1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    rules: dict[str, set[str]] = {name: set() for name in texts}
    for each in json.loads(done.stdout)["diagnostics"]:
        if each["code"].startswith("guest/"):
            rules[Path(each["filename"]).stem].add(each["code"].removeprefix("guest/"))
    return rules


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found(name: str, found: dict[str, set[str]]) -> None:
    assert found[name] == {PLANTED[name][0]}


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_safe_is_left_alone(name: str, found: dict[str, set[str]]) -> None:
    assert found[name] == set()

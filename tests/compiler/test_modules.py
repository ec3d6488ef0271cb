"""Imports and exports in TypeScript: those of types go, those of values are refused in place."""

from __future__ import annotations

import pytest

from onehop import Sandbox
from onehop.types import ErrorInfo

TYPES_ONLY = [
    "import type A from 'x';",
    "import type {A} from 'x'",
    "import type * as N from 'x'",
    "import type X = require('y')",
    "import { type A } from 'x';",
    "import {\n  type A,\n  type B as C,\n} from 'x'",
    "type A = 1; export type { A };",
    "export type {A} from 'x'",
    "export type * from 'x'",
    "export type * as N from 'x'",
    "type A = 1; type B = 2; export { type A, type B }",
    "export { type A } from 'x'",
    "export {}",
    "export as namespace Foo;",
    "export interface X { a: number }",
    "export type A = 1",
    "export declare const x: number",
    "export declare function f(): void",
    "export declare namespace A { const x: 1 }",
    "export abstract class A {}",
    "export default interface X {}",
    "export namespace N { export interface A {} type B = 1 }",
    "declare module 'x' { export const x: number; import y from 'z' }",
    "declare global { interface W {} }",
    "type A = import('y').Z",
]
UNUSED = [
    "export {} from 'x'",
    "import x = require('y')",
    "import x from 'y'",
    "import * as x from 'y'",
    "import { type A, b } from 'y'",
    "import d, { type A } from 'y'; let e: A",
    "import type from 'y'",
    "import { readFileSync } from 'node:fs';\nimport * as path from 'path'",
]


@pytest.mark.sample(3)
@pytest.mark.parametrize("code", [*TYPES_ONLY, *UNUSED])
async def test_what_no_value_needs_goes(code: str, sandbox: Sandbox) -> None:
    result = await sandbox.execute(f"const a = 1\n{code}\nreturn a", "typescript")
    assert (result.success, result.output) == (True, 1), result.error


async def test_what_goes_still_separates_its_neighbours(sandbox: Sandbox) -> None:
    code = "const c = 5, b = (x: any) => x\nconst a = b\nexport {}\n(c)\nreturn typeof a"
    assert (await sandbox.execute(code, "typescript")).output == "function"


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "code",
    [
        "import x from 'y'; x()",
        "import 'y'",
        "import * as x from 'y'; x.z()",
        "import { c, b } from 'y'; return c",
        "import { type A, b } from 'y'; b as A",
        "import type from 'y'; type()",
        "import { type } from 'y'; type()",
        "import x = require('y'); x()",
        "import x = require('y'); enum E { A = x }",
        "import x from 'y' with { type: 'json' }; x()",
    ],
)
async def test_an_import_that_is_used_is_refused_where_it_stands(
    code: str, sandbox: Sandbox
) -> None:
    result = await sandbox.execute(f"const a = 1\n  /* é😀 */ {code}\nreturn a", "typescript")
    _expect(result.error_info, "import is not available in the sandbox", 2, 13)


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "code",
    [
        "export const a = 1",
        "export default 5",
        "export default class {}",
        "export default abstract class A {}",
        "export function f() {}",
        "export function f(a: string): string;\nexport function f(a: any) { return a }",
        "export async function f() {}",
        "export class A {}",
        "export enum E { A }",
        "export namespace N { export const x = 1 }",
        "export * from 'x'",
        "export * as n from 'x'",
        "export { c }",
        "export { type A, c }",
        "export = {}",
    ],
)
async def test_an_export_of_a_value_is_refused_where_it_stands(code: str, sandbox: Sandbox) -> None:
    result = await sandbox.execute(f"let c = 1; type A = 1\r\n\t{code}", "typescript")
    line = 3 if "\n" in code else 2
    _expect(result.error_info, "export has no meaning here", line, 2 if line == 2 else 1)


def _expect(error: ErrorInfo | None, words: str, line: int, column: int) -> None:
    assert error is not None
    assert error.message.startswith(words)
    assert (error.name, error.line, error.column) == ("SyntaxError", line, column)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("const s = 'import x from y'; return s", "import x from y"),
        ("// import x from 'y'\nreturn `\nexport const a = ${1}\nexport {};`",
         "\nexport const a = 1\nexport {};"),
        ("const o = { import: 1, export: 2 }; return o.import + o.export", 3),
        ("namespace N { export const x = 1; export interface Y {} }\nreturn N.x", 1),
        ("const importer = 1, exporter = 2; return importer + exporter", 3),
        ("try { await import('node:fs') } catch (e: any) { return e.name }", "TypeError"),
    ],
)  # fmt: skip
async def test_the_words_mean_nothing_elsewhere(
    code: str, output: object, sandbox: Sandbox
) -> None:
    assert (await sandbox.execute(code, "typescript")).output == output

"""The TypeScript compiler that the package ships, run in Deno on many files at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deno import find_deno_bin

import onehop.compiler

_LIBRARY = Path(onehop.compiler.__file__).parent / "typescript" / "typescript.js"
_SECONDS = 100
_CHECKER = """
const module = { exports: {} };
new Function("module", "exports", "require", "__filename", "process",
  Deno.readTextFileSync(Deno.args[0]))(module, module.exports, undefined, "", undefined);
const ts = module.exports;
const { library, files } = JSON.parse(new TextDecoder().decode(await readAll()));
const sources = new Map([["/lib.d.ts", library], ...files.map((text, n) => [`/${n}.ts`, text])]);
const parsed = new Map([...sources].map(([name, text]) => [
  name, ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true),
]));
const host = {
  getSourceFile: (name) => parsed.get(name), getDefaultLibFileName: () => "/lib.d.ts",
  writeFile() {}, getCurrentDirectory: () => "/", getCanonicalFileName: (name) => name,
  useCaseSensitiveFileNames: () => true, getNewLine: () => "\\n",
  fileExists: (name) => sources.has(name), readFile: (name) => sources.get(name),
};
const options = {
  strict: true, noLib: true, noEmit: true, target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext, types: [],
};
const program = ts.createProgram([...sources.keys()], options, host);
const said = program.getGlobalDiagnostics().map((found) => `global: ${words(found)}`);
if (said.length) { console.error(said.join("\\n")); Deno.exit(1); }
const answers = files.map((_, n) => {
  const file = parsed.get(`/${n}.ts`);
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    .map((found) => `TS${found.code} ${words(found)}`);
});
console.log(JSON.stringify(answers));
function words(found) { return ts.flattenDiagnosticMessageText(found.messageText, " "); }
async function readAll() { return await new Response(Deno.stdin.readable).arrayBuffer(); }
"""
_GLOBALS = """
interface Array<T> { length: number; [n: number]: T; [Symbol.iterator](): Iterator<T>; }
interface ReadonlyArray<T> { readonly length: number; readonly [n: number]: T; }
interface Iterator<T> { next(): { value: T } }
interface SymbolConstructor { readonly iterator: unique symbol; }
declare const Symbol: SymbolConstructor;
interface Promise<T> { then<U>(done: (value: T) => U): Promise<U>; }
interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {}
interface NewableFunction {} interface Number {} interface Object {} interface RegExp {}
interface String { readonly length: number; }
"""
"""What the compiler itself asks of a library."""


def complaints(texts: Sequence[str]) -> list[list[str]]:
    """What the compiler has against each of ``texts``, each as a module of its own."""
    files = [f"{text}\nexport {{}};\n" for text in texts]
    command = [find_deno_bin(), "run", "--no-config", "--no-lock", f"--allow-read={_LIBRARY}"]
    process = subprocess.run(
        [*command, "data:application/javascript," + _quoted(_CHECKER), str(_LIBRARY)],
        input=json.dumps({"library": _GLOBALS, "files": files}),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    answers: list[list[str]] = json.loads(process.stdout)
    return answers


def _quoted(program: str) -> str:
    from urllib.parse import quote

    return quote(program)

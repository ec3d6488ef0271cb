"""The compiler's own way from TypeScript to JavaScript, to compare ours with."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import deno

# Both texts are printed by the compiler, so that blanks and line ends make no difference.
_PROGRAM = r"""
import { stripTypeScriptTypes } from "node:module";
const AsyncFunction = (async () => {}).constructor;
function compiles(text) {
  try { new AsyncFunction(text); return true; } catch { return false; }
}
function print(code) {
  try {
    const printed = stripTypeScriptTypes(code + "\nexport {}", { mode: "transform" });
    const bare = printed.replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, "").replaceAll(/^\s*;$/gm, "");
    return bare.replaceAll(/\s+/g, " ").replaceAll(" ;", ";").trim();
  } catch { return null; }
}
let rest = "";
for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + part).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { code, plain } = JSON.parse(line);
    console.log(JSON.stringify({
      compiles: compiles(plain), code: print(code), plain: print(plain),
    }));
  }
}
"""


@dataclass(frozen=True)
class Verdict:
    """What the compiler and V8 make of a program, and of ours without its types."""

    compiles: bool
    """Whether V8 takes ours."""
    code: str | None
    """The program, printed by the compiler, if it takes it."""
    plain: str | None
    """Ours, printed likewise."""


class Compiler:
    """A Deno process that judges one program after another."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [deno.find_deno_bin(), "eval", "--quiet", "--no-config", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={"NO_COLOR": "1", "DENO_DIR": "/dev/null/x", "HOME": "/nonexistent"},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process:
            self._process.kill()

    def judge(self, code: str, plain: str) -> Verdict:
        """Both texts through the compiler and V8."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"code": code, "plain": plain}) + "\n")
        self._process.stdin.flush()
        return Verdict(**json.loads(self._process.stdout.readline()))

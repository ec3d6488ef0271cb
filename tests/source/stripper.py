"""The compiler's own way to erase types, which Deno has for Node, to compare ours with."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import deno

_PROGRAM = """
import { stripTypeScriptTypes } from "node:module";
const AsyncFunction = (async () => {}).constructor;
function compiles(text) {
  try { new AsyncFunction(text); return true; } catch { return false; }
}
function strip(code) {
  try { return stripTypeScriptTypes(code); } catch { return null; }
}
let rest = "";
for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + part).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const { code, plain } = JSON.parse(line);
    const stripped = strip(code);
    const usable = stripped !== null && compiles(stripped);
    console.log(JSON.stringify({ stripped: usable ? stripped : null, plain: compiles(plain) }));
  }
}
"""


@dataclass(frozen=True)
class Verdict:
    """What the compiler and V8 make of a program and of ours without its types."""

    stripped: str | None
    """The compiler's text, if it made one and V8 takes it."""
    plain_compiles: bool


class Stripper:
    """A Deno process that strips one text after another."""

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
        answer = json.loads(self._process.stdout.readline())
        return Verdict(answer["stripped"], answer["plain"])


def same_program(ours: str, theirs: str) -> bool:
    """Equal but for blanks, and for semicolons that stand where the other has a blank."""
    return len(ours) == len(theirs) and all(map(_same_character, ours, theirs))


def _same_character(ours: str, theirs: str) -> bool:
    return ours == theirs or (ours in "; " and (theirs == ";" or theirs.isspace()))

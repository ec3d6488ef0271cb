"""The built-ins beside those of bare Deno: what is there, what each call does, what core-js mends.

Globals that the sandbox leaves out are told in a note: the list of those that it lets stand is in
``guest/lockdown.js``, and SECURITY.md has the reasons.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.conformance import _bare
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._sandboxed import Sandboxed, open_sandboxed
from benchmarks.conformance._tally import Outcome, Program, Tally

_CORE_JS = "core-js-bundle@3.50.0"
_SCRIPTS = Path(__file__).parent
_HEAD = (_SCRIPTS / "inventory.js").read_text("utf-8")
_CALLS = (_SCRIPTS / "calls.js").read_text("utf-8")
_NAMES = Program("globals", "return Object.getOwnPropertyNames(globalThis)")
_OWN = frozenset({"context", "console", "globalThis", "self"})
"""The console has a comparison of its own, and the global object is made of what is looked at."""
_BY_DESIGN = re.compile(
    r"(new )?((set|clear)(Timeout|Interval|Immediate)|queueMicrotask|MessageChannel|MessagePort"
    r"|URL\.(create|revoke)ObjectURL|structuredClone($|\.prototype|<)|navigator"
    r"|Error\.(prepareStackTrace|stackTraceLimit))|new structuredClone"
)
"""Objects of ours, which are there in a plainer form; URLs for blobs, which nothing could load; and
room in each stack for our own frames, which the code does not see."""
_BATCH = 4
"""Globals whose functions are called in one program."""


async def measure(options: Options, tally: Tally) -> None:
    """All three comparisons; ``limit`` bounds the globals whose functions are called."""
    bundle = Packages(options.folder).fetch([_CORE_JS])[_CORE_JS] / "minified.js"
    async with open_sandboxed(options, corrections=False) as sandboxed:
        comparison = Comparison(sandboxed, tally)
        names = await comparison.inventory()
        await comparison.mended(bundle.read_text("utf-8"), names)
        chosen = options.some(names)
        for start in range(0, len(chosen), _BATCH):
            await comparison.calls(list(chosen[start : start + _BATCH]))


class Comparison:
    """What is compared, step by step; ``inventory`` comes first."""

    def __init__(self, sandboxed: Sandboxed, tally: Tally) -> None:
        self._sandboxed = sandboxed
        self._tally = tally
        self._names: list[str] = []

    async def inventory(self) -> list[str]:
        """Compare what is there; answers the globals that both have."""
        bare = await _bare.run(_NAMES, None)
        self._names = await self._sandboxed.globals()
        expected, got = set(bare.value), set(self._names)
        self._note("left out by the list of globals", expected - got)
        self._note("only in the sandbox", got - expected)
        names = sorted(expected & got - _OWN)
        program = Program("inventory", f"{_HEAD}\nreturn inventory(context.names)")
        self._compare("", *await self._both(program, {"names": names}))
        return names

    def _note(self, what: str, names: set[str]) -> None:
        self._tally.notes.append(f"{what}: {' '.join(sorted(names)) or 'none'}")

    async def mended(self, bundle: str, names: list[str]) -> None:
        """Look for built-ins that core-js finds absent or wrong in the sandbox only."""
        program = Program("core-js", _replaced_by(bundle))
        expected, got = await self._both(program, {"names": names})
        only_here = {path: text for path, text in got.items() if path not in expected}
        self._compare("core-js replaces ", {}, only_here)

    async def calls(self, names: list[str]) -> None:
        """Compare what some calls of each function do."""
        code = f"{_HEAD}\n{_CALLS}\nreturn calls(context.names)"
        expected, got = await self._both(Program(" ".join(names), code), {"names": names})
        self._compare("", expected, got)

    async def _both(
        self, program: Program, context: dict[str, Any] | None = None
    ) -> tuple[dict[str, str], dict[str, str]]:
        ran = await self._sandboxed.by_sandbox(program, context=context)
        if ran.state in ("worker crash", "internal error"):
            self._tally.fault(ran.state, program.name, "an outcome", ran.outcome)
        reference = await _bare.run(program, self._names, context, evals=True)
        return self._entries(program, reference), self._entries(program, ran.outcome)

    def _entries(self, program: Program, outcome: Outcome) -> dict[str, str]:
        if outcome.success:
            entries: dict[str, str] = outcome.value
            return entries
        self._tally.notes.append(f"{program.name}: {outcome}")
        return {}

    def _compare(self, what: str, expected: dict[str, str], got: dict[str, str]) -> None:
        for path in sorted(expected.keys() | got.keys()):
            if not _BY_DESIGN.match(what + path):
                one, other = (entries.get(path, "absent") for entries in (expected, got))
                self._tally.judge(what + path, one, other)


def _replaced_by(bundle: str) -> str:
    """A program that returns what the functions of ``bundle`` replace or add."""
    return f"""{_HEAD}
const before = new Map(Object.entries(snapshot()));
{bundle}
;return Object.fromEntries(
  Object.entries(snapshot()).filter(([path, value]) => before.get(path) !== value).map(
    ([path]) => [path, before.has(path) ? "replaced" : "added"]));
function snapshot() {{
  const found = {{}};
  for (const path of Object.keys(inventory(context.names))) {{
    if (!/[<[]/.test(path)) found[path] = at(path);
  }}
  return found;
}}
function at(path) {{
  const keys = path.split(".");
  const last = keys.pop();
  let holder = globalThis;
  for (const key of keys) holder = Object(holder) === holder ? holder[key] : undefined;
  const property = Object(holder) === holder && Object.getOwnPropertyDescriptor(holder, last);
  return property && (property.get ?? property.value);
}}"""

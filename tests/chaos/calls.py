"""The calls of a load, each with its right answer; every tenth is hostile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

Make = Callable[[int, str], tuple[dict[str, Any], Any]]
"""From a number and a key to the call's arguments and the right output."""


@dataclass(frozen=True)
class Call:
    """One call: its name, its arguments, and what its output must be (None: it must fail)."""

    request_id: str
    kind: str
    arguments: dict[str, Any]
    output: Any

    @property
    def hostile(self) -> bool:
        return self.kind == "hostile"

    @property
    def writes(self) -> bool:
        return self.kind == "writes"


def _plain(n: int, key: str) -> tuple[dict[str, Any], Any]:
    return {"code": "return context.n * 2", "context": {"n": n}}, n * 2


def _typed(n: int, key: str) -> tuple[dict[str, Any], Any]:
    code = f"const n: number = {n};\nenum E {{ A = 3 }}\nreturn n * E.A"
    return {"code": code, "language": "typescript"}, n * 3


def _writes(n: int, key: str) -> tuple[dict[str, Any], Any]:
    code = "const size = await tools.note({ key: context.key }); return [context.n, size]"
    return {"code": code, "context": {"n": n, "key": key}}, [n, len(key)]


def _asks(n: int, key: str) -> tuple[dict[str, Any], Any]:
    code = (
        "const all = await Promise.all([1, 2, 3, 4, 5].map((i) => tools.times({ n: i * context.n"
        " })));\nreturn all.reduce((a, b) => a + b)"
    )
    return {"code": code, "context": {"n": n}}, 105 * n


def _waits(n: int, key: str) -> tuple[dict[str, Any], Any]:
    code = (
        "console.log('before'); await new Promise((done) => setTimeout(done, 50)); return context.n"
    )
    return {"code": code, "context": {"n": n}}, n


ATTACKS: Final = (
    "for (;;);",
    "const a = []; for (;;) a.push(new Array(1e6).fill(1.5))",
    "for (;;) console.log('x'.repeat(1e5))",
    "const again = () => again() + 1; return again()",
    "Object.prototype.toJSON = () => 42; Array.prototype.push = null; throw new Error('no')",
    "return [].constructor.constructor('return 1')()",
    "await Promise.all(Array.from({ length: 300 }, () => tools.times({ n: 1 })))",
    "return new Uint8Array(2 ** 33).length",
    "await tools.note({ key: 1 })",
    "setTimeout(() => { for (;;); }, 0); await new Promise((done) => setTimeout(done, 100))",
)


def _hostile(n: int, key: str) -> tuple[dict[str, Any], Any]:
    return {"code": ATTACKS[n // 10 % len(ATTACKS)], "timeout": 400}, None


GOOD: Final[tuple[Make, ...]] = (_plain, _typed, _writes, _asks, _waits, _writes)


def call(number: int, prefix: str) -> Call:
    """The call of that number; ``prefix`` makes its request id one of this load."""
    if number % 10 != 7:
        return good_call(number, prefix)
    request_id, make = f"{prefix}-{number}", _hostile
    arguments, output = make(number, request_id)
    return Call(request_id, make.__name__.strip("_"), arguments, output)


def good_call(number: int, prefix: str) -> Call:
    """``call``, but never hostile."""
    request_id = f"{prefix}-{number}"
    make = GOOD[number % len(GOOD)]
    arguments, output = make(number, request_id)
    return Call(request_id, make.__name__.strip("_"), arguments, output)

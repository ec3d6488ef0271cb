"""What Node 20 prints, recorded by `python -m benchmarks.conformance.console --record`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.guest.worker import RunGuest

END = "\x01end"
PAIRS: list[tuple[str, list[str]]] = json.loads(
    Path(__file__).with_name("node_console.json").read_text("utf-8")
)


def printed(run: RunGuest) -> list[list[str]]:
    """What each call prints; all run in one worker."""
    tries = (
        f"try {{ (() => {{ {call} }})() }} catch (e) {{ console.log('THREW ' + e.name) }}\n"
        "console.log('\\x01end');"
        for call, _ in PAIRS
    )
    found: list[list[str]] = [[]]
    for line in run("\n".join(tries)).lines:
        if line == END:
            found.append([])
        else:
            found[-1].append(without_frames(line))
    return found


def without_frames(line: str) -> str:
    return "\n".join(part for part in line.split("\n") if not part.lstrip().startswith("at "))


def test_each_call_prints_what_node_prints(run: RunGuest) -> None:
    here = printed(run)[: len(PAIRS)]
    assert len(here) == len(PAIRS) > 400
    wrong = [
        (call, lines, nodes)
        for (call, nodes), lines in zip(PAIRS, here, strict=True)
        if lines != nodes
    ]
    assert wrong == []

"""Chaos for as long as is asked: faults in turn, on each store, then kills during writes.

python -m tests.chaos --minutes 10 --kills 50 --seed 14

Writes ``benchmarks/results/chaos.md``. Exits with 1 when something did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.chaos._report import page
from tests.chaos.campaign import Campaign, Found
from tests.chaos.faults import EVERYWHERE, Fault, Unavailable, of_database, of_sqlite
from tests.chaos.subject import Subject
from tests.chaos.trial import Trial, attempt
from tests.servers import PostgresServer
from tests.users import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "chaos.md"


def main() -> int:
    """Run it, write the report, and say whether all held."""
    parser = argparse.ArgumentParser(prog="scripts/chaos")
    parser.add_argument("--minutes", type=float, default=10, help="of faults in turn")
    parser.add_argument("--kills", type=int, default=50, help="during writes, on each store")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    began = time.monotonic()
    with PostgresServer() as postgres:
        trials = asyncio.run(_trials(postgres, options.minutes * 60, dice, options.only))
        campaigns = asyncio.run(_campaigns(postgres, options.kills, dice)) if options.kills else {}
    words = [
        "scripts/chaos",
        *sys.argv[1:],
        *([] if "--seed" in sys.argv else ["--seed", str(options.seed)]),
    ]
    options.out.write_text(page(" ".join(words), time.monotonic() - began, trials, campaigns))
    print(options.out.read_text())
    found = [*(t.problems for t in trials), *(c.problems for c in campaigns.values())]
    return 1 if any(found) else 0


async def _trials(
    postgres: PostgresServer, seconds: float, dice: random.Random, only: str
) -> list[Trial]:
    """Rounds of all faults in another order each time, at least one."""
    trials: list[Trial] = []
    with ExitStack() as stack:
        pairs = []
        for faults, store, isolation in (
            ((*EVERYWHERE, *of_sqlite()), "", "process"),
            (of_database(postgres), postgres.create("chaos"), "process"),
            (EVERYWHERE[:2], "", "realm"),
        ):
            wanted = [fault for fault in faults if only in fault.name]
            subject = _opened(stack, store, ONEHOP_ISOLATION=isolation) if wanted else None
            pairs += [(fault, subject) for fault in wanted if subject is not None]
        until = time.monotonic() + seconds
        while pairs:
            dice.shuffle(pairs)
            for fault, subject in pairs:
                if trials and len(trials) >= len(pairs) and time.monotonic() > until:
                    return trials
                trials += await _trial(fault, subject)
    return trials


def _opened(stack: ExitStack, store: str = "", **environment: Any) -> Subject:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onehop-chaos-")))
    return stack.enter_context(Subject(folder, store, **environment))


async def _trial(fault: Fault, subject: Subject) -> list[Trial]:
    try:
        trial = await attempt(fault, subject, await subject.agent_key("load"))
    except Unavailable as reason:
        print(f"{fault.name}: {reason}", file=sys.stderr)
        return []
    print(f"{trial.fault}: {trial.calls} calls, recovered in {trial.recovery:.2f} s", flush=True)
    for problem in trial.problems:
        print(f"  PROBLEM {problem}", flush=True)
    return [trial]


async def _campaigns(postgres: PostgresServer, kills: int, dice: random.Random) -> dict[str, Found]:
    found: dict[str, Found] = {}
    with ExitStack() as stack:
        found["SQLite"] = await Campaign([_opened(stack)], dice).run(kills)
    with ExitStack() as stack:
        url = postgres.create("campaign")
        first = _opened(stack, url)
        second = _opened(stack, url, CHAOS_LEDGER=str(first.ledger))
        found["PostgreSQL, two servers"] = await Campaign([first, second], dice).run(kills)
    return found


if __name__ == "__main__":
    sys.exit(main())

"""Chaos for as long as is asked: faults in turn, on each store, then kills during writes.

python -m tests.chaos --minutes 10 --kills 50 --seed 14
python -m tests.chaos --minutes 0 --kills 200 --stores sqlite,postgresql,two,mongodb --together
python -m tests.chaos --minutes 0 --kills 180 --each 60 --stores sqlite --warm

Writes ``benchmarks/results/chaos.md``; without faults, adds to ``kills.md`` beside it. Exits with 1
when something did not hold.
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
from typing import Any, TypeVar

from hypothesis import settings

from tests.chaos._report import kills, page
from tests.chaos.bank import Customer
from tests.chaos.campaign import Campaign, Found
from tests.chaos.faults import EVERYWHERE, Fault, Unavailable, of_database, of_sqlite
from tests.chaos.subject import Subject
from tests.chaos.trial import Trial, attempt
from tests.servers import MongoServer, PostgresServer
from tests.users import ROOT

RESULTS = ROOT / "benchmarks" / "results"
STORES = {
    "sqlite": "SQLite",
    "postgresql": "PostgreSQL",
    "two": "PostgreSQL, two servers",
    "mongodb": "MongoDB's protocol",
}
"""Where kills happen, and how the report calls it."""
S = TypeVar("S", bound=Subject)
_STARTING = 300.0
"""Seconds in which a server must start: the machine may be busy with others."""


def main() -> int:
    """Run it, write the report, and say whether all held."""
    parser = argparse.ArgumentParser(prog="scripts/chaos")
    parser.add_argument("--minutes", type=float, default=10, help="of faults in turn; 0: none")
    parser.add_argument("--kills", type=int, default=50, help="during writes, on each store")
    parser.add_argument(
        "--each",
        type=int,
        default=0,
        help="go on until each of server, worker and spawner met so many writes under way",
    )
    parser.add_argument("--stores", default="sqlite,two", help=f"some of {','.join(STORES)}")
    parser.add_argument("--kill-minutes", type=float, default=60, help="no kill is begun later")
    parser.add_argument("--together", action="store_true", help="kill on all stores at once")
    parser.add_argument("--warm", action="store_true", help="servers that start fast: see copies")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if unknown := set(options.stores.split(",")) - STORES.keys():
        parser.error(f"--stores: {', '.join(sorted(unknown))} is not one of {', '.join(STORES)}")
    if options.warm:
        settings.register_profile("warm", derandomize=True)
        settings.load_profile("warm")
    dice = random.Random(options.seed)
    began = time.monotonic()
    trials: list[Trial] = []
    campaigns: dict[str, Found] = {}
    with PostgresServer(max_connections=200) as postgres:
        if options.minutes:
            trials = asyncio.run(_trials(postgres, options.minutes * 60, dice, options.only))
        if options.kills:
            campaigns = asyncio.run(_campaigns(postgres, options))
    out = options.out or RESULTS / ("chaos.md" if options.minutes else "kills.md")
    words = [
        "scripts/chaos",
        *sys.argv[1:],
        *([] if "--seed" in sys.argv else ["--seed", str(options.seed)]),
    ]
    seconds = time.monotonic() - began
    if options.minutes:
        out.write_text(page(" ".join(words), seconds, trials, campaigns))
        print(out.read_text())
    else:
        section = kills(" ".join(words), seconds, campaigns)
        with out.open("a") as file:
            file.write(section)
        print(section)
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
            subject = _opened(stack, Subject, store, ONEHOP_ISOLATION=isolation) if wanted else None
            pairs += [(fault, subject) for fault in wanted if subject is not None]
        until = time.monotonic() + seconds
        while pairs:
            dice.shuffle(pairs)
            for fault, subject in pairs:
                if trials and len(trials) >= len(pairs) and time.monotonic() > until:
                    return trials
                trials += await _trial(fault, subject)
    return trials


def _opened(stack: ExitStack, kind: type[S], store: str = "", **environment: Any) -> S:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onehop-chaos-")))
    subject = kind(folder, store, **environment)
    subject.patience = _STARTING
    stack.enter_context(subject)
    return subject


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


async def _campaigns(postgres: PostgresServer, options: argparse.Namespace) -> dict[str, Found]:
    """On each store, one after the other or at the same time."""
    wanted = options.stores.split(",")
    works = [_campaign(name, postgres, options) for name in wanted]
    if options.together:
        founds = await asyncio.gather(*works)
    else:
        founds = [await work for work in works]
    return {STORES[name]: found for name, found in zip(wanted, founds, strict=True)}


async def _campaign(name: str, postgres: PostgresServer, options: argparse.Namespace) -> Found:
    dice = random.Random(f"{options.seed} {name}")
    with ExitStack() as stack:
        url = _store(name, postgres, stack)
        servers = [await asyncio.to_thread(_opened, stack, Customer, url)]
        if name == "two":
            ledger = str(servers[0].ledger)
            servers.append(
                await asyncio.to_thread(_opened, stack, Customer, url, CHAOS_LEDGER=ledger)
            )
        campaign = Campaign(servers, dice, seconds=options.kill_minutes * 60)
        found = await campaign.run(options.kills, each=options.each)
    strays = [pid for server in servers for pid in server.strays]
    found.problems += [f"process {pid} stayed" for pid in strays]
    print(f"{STORES[name]}: {found}", flush=True)
    return found


def _store(name: str, postgres: PostgresServer, stack: ExitStack) -> str:
    """The URL of an empty store; nothing for SQLite."""
    if name == "sqlite":
        return ""
    if name == "mongodb":
        return stack.enter_context(MongoServer()).create("campaign")
    return postgres.create(f"campaign_{name}")


if __name__ == "__main__":
    sys.exit(main())

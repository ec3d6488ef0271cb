"""The whole way: a server, an agent with a key, its runs, and what an operator sees of them.

python examples/served.py
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from five import EXAMPLES, show

from onehop import AgentClient, Event, ExecutionResult, tool

ONEHOP = [sys.executable, "-m", "onehop"]
ORDERS = {1: ("ada", 3.5), 2: ("bob", 4.0), 3: ("ada", 1.25)}

HOP = """
const ids = await tools.list_orders();
const orders = await Promise.all(ids.map((id) => tools.order({ id })));
const sums = {};
for (const { who, amount } of orders) sums[who] = (sums[who] ?? 0) + amount;
for (const who of Object.keys(sums)) sums[who] += " " + await tools.currency({ who });
return sums;
"""
LAST = ("code:execution:completed", "code:execution:failed")


@tool(effect="read")
def list_orders() -> list[int]:
    """The ids of all orders."""
    return list(ORDERS)


@tool(effect="read")
def order(id: int) -> dict[str, str | float]:  # noqa: A002 - what the code calls it
    """One order."""
    who, amount = ORDERS[id]
    return {"who": who, "amount": amount}


@tool(effect="read")
def currency(who: str) -> str:
    """What a customer pays in."""
    return {"ada": "GBP"}.get(who, "USD")


def main() -> None:
    """Start a server, let an agent use it, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = {
            **os.environ,
            "ONEHOP_STORE": f"sqlite:///{folder}/onehop.db",
            "ONEHOP_JOURNAL": f"{folder}/journal",
            "ONEHOP_PORT": str(port),
        }
        print("$ onehop agents add ada", flush=True)
        key = add_agent("ada", environment)
        print(f"the agent ada has a key: {key[:9]}…\n\n$ onehop serve", flush=True)
        with server(environment, Path(folder, "log")):
            asyncio.run(use(f"http://localhost:{port}", key))
    print("\nthe server has stopped")


async def use(url: str, key: str) -> None:
    """Be the agent ada."""
    seen: list[Event] = []
    async with AgentClient(
        agent_id="ada",
        api_key=key,
        server_url=url,
        retries=20,
        tools=[list_orders, order, currency],
    ) as client:
        print(f"connected to {url} as {client.identity.agent_id}, role {client.identity.role}")
        async with client.events() as events:
            show_hop(await client.execute(HOP))
            for title, code, options in EXAMPLES:
                show(title, code, await client.execute(code, **options))
            async for event in events:
                seen.append(event)
                if sum(item.event_type in LAST for item in seen) == len(EXAMPLES) + 1:
                    break
        stats = await client.stats()
    print("\nevents")
    for event_type, count in Counter(event.event_type for event in seen).items():
        print(f"  {count} x {event_type}")
    print("\nthe agent's statistics")
    print(f"  runs        {stats.total_executions}, of which {stats.failed_executions} failed")
    print(f"  time        p50 {stats.p50_execution_time:.1f} ms")
    languages = {name: count.total for name, count in stats.language_breakdown.items()}
    print(f"  languages   {json.dumps(languages)}")


def show_hop(result: ExecutionResult) -> None:
    """Show one program that calls three tools of this process, and what it has kept away."""
    show("One hop: three tools of the agent's own process", HOP, result)
    calls = Counter(call.tool for call in result.tool_calls or ())
    told = ", ".join(f"{name} {count}" for name, count in calls.items())
    turns = 0 if result.avoided is None else result.avoided.turns
    print(f"  tools:   {told}; {turns} turns of the model less")


def add_agent(name: str, environment: dict[str, str]) -> str:
    """Make an agent, and return its key."""
    command = [*ONEHOP, "agents", "add", name, "--json"]
    made = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return str(json.loads(made.stdout)["key"])


@contextmanager
def server(environment: dict[str, str], log: Path) -> Iterator[None]:
    """A server that runs while this is open."""
    with log.open("w") as stream:
        process = subprocess.Popen([*ONEHOP, "serve"], env=environment, stderr=stream)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


if __name__ == "__main__":
    main()

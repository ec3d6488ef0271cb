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

from onehop import AgentClient, Event

ONEHOP = [sys.executable, "-m", "onehop"]
LAST = ("code:execution:completed", "code:execution:failed")


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
    async with AgentClient(agent_id="ada", api_key=key, server_url=url, retries=20) as client:
        print(f"connected to {url} as {client.identity.agent_id}, role {client.identity.role}")
        async with client.events() as events:
            for title, code, options in EXAMPLES:
                show(title, code, await client.execute(code, **options))
            async for event in events:
                seen.append(event)
                if sum(item.event_type in LAST for item in seen) == len(EXAMPLES):
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

"""``onehop top``: asks a server again and again how it is, and draws that."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from pydantic.alias_generators import to_camel

from onehop.cli._exits import ExitCode
from onehop.cli._output import to_json, write
from onehop.cli._tail import closing
from onehop.cli._top_view import Recent, view
from onehop.errors import AuthenticationError, OnehopError, PermissionDeniedError
from onehop.events import CODE_EXECUTION_COMPLETED, CODE_EXECUTION_FAILED, Event

if TYPE_CHECKING:
    from onehop.client import AgentClient
    from onehop.runs.states import ServerState

_ENDS: Final = [CODE_EXECUTION_COMPLETED, CODE_EXECUTION_FAILED]


async def watch(client: AgentClient, interval: float, *, once: bool, as_json: bool) -> ExitCode:
    """Draw until q, or print. Raises OnehopError if the first look fails."""
    async with client:
        state = await client.status()
        if as_json:
            return await _print_json(client, state, interval, once=once)
        if once or not sys.stdout.isatty():
            _print_once(state)
            return ExitCode.SUCCESS
        return await Top(client, state, interval).run()


async def _print_json(
    client: AgentClient, state: ServerState, interval: float, *, once: bool
) -> ExitCode:
    while True:
        write(sys.stdout, to_json(_wire(asdict(state))) + "\n")
        if once:
            return ExitCode.SUCCESS
        await asyncio.sleep(interval)
        state = await client.status()


def _wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {to_camel(name): _wire(each) for name, each in value.items()}
    return [_wire(each) for each in value] if isinstance(value, tuple | list) else value


def _print_once(state: ServerState) -> None:
    from rich.console import Console

    console = Console(file=sys.stdout, width=100, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(view(state, Recent(), width=100))
    write(sys.stdout, captured.get())


class Top:
    """The live picture."""

    def __init__(self, client: AgentClient, state: ServerState, interval: float) -> None:
        self._client = client
        self._state = state
        self._interval = interval
        self._recent = Recent()
        self._trouble = ""
        self._is_paused = False
        self._over = asyncio.Event()
        self._wake = asyncio.Event()

    async def run(self) -> ExitCode:
        """Draw until q."""
        from rich.console import Console
        from rich.live import Live

        listening = asyncio.get_running_loop().create_task(self._listen())
        console = Console(highlight=False)
        try:
            with (
                _keys(self._press),
                Live(console=console, screen=True, auto_refresh=False) as live,
            ):
                while not self._over.is_set():
                    if not self._is_paused:
                        live.update(self._picture(console.width), refresh=True)
                    await self._pause()
                    await self._look()
        finally:
            await closing(listening)
        return ExitCode.SUCCESS

    def _picture(self, width: int) -> Any:
        return view(self._state, self._recent, width=width, trouble=self._trouble)

    async def _pause(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(self._interval):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _look(self) -> None:
        """The last state stays while the server is away."""
        try:
            self._state = await self._client.status()
            self._trouble = ""
        except (AuthenticationError, PermissionDeniedError):
            raise
        except OnehopError as error:
            self._trouble = f"no answer, trying again: {error}"

    async def _listen(self) -> None:
        """Runs that end, for the numbers of each agent; without them the rest is shown."""
        try:
            async with self._client.events(_ENDS) as events:
                async for event in events:
                    self._hear(event)
        except OnehopError as error:
            self._trouble = f"no events: {error}"

    def _hear(self, event: Event) -> None:
        self._recent.take(event)

    def _press(self, key: str) -> None:
        if key in ("q", "Q", "\x03"):
            self._over.set()
        elif key in ("p", "P", " "):
            self._is_paused = not self._is_paused
        self._wake.set()


@contextmanager
def _keys(press: Any) -> Iterator[None]:
    """Hear of each key at once, where somebody sits at a keyboard."""
    if not sys.stdin.isatty():
        yield
        return
    import termios  # POSIX has them
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for key in os.read(descriptor, 64).decode(errors="replace") or "q":
            press(key)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

"""The channel to an analysis process: what is closed is forgotten, and nobody's number is taken."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from onehop.analysis._link import AnalysisLostError, Link


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


async def test_a_link_closed_during_a_question_leaves_the_number_of_its_channel_to_others(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    channel = ends[0]
    number = channel.fileno()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        link = Link(channel, os.pidfd_open(process.pid), process.pid)
        asking = asyncio.create_task(link.can_go_on())
        await asyncio.sleep(0)
        link.close()
        with _sockets_at(number) as (later, other):
            heard = asyncio.Event()
            asyncio.get_running_loop().add_reader(later, heard.set)
            with pytest.raises(AnalysisLostError):
                async with asyncio.timeout(10):
                    await asking
            other.send(b"x")
            async with asyncio.timeout(10):
                await heard.wait()
            asyncio.get_running_loop().remove_reader(later)


@contextmanager
def _sockets_at(number: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected ones; the first has this number, which was just given back."""
    first, other = socket.socketpair()
    with first, other:
        if first.fileno() == number:
            yield first, other
            return
        with socket.socket(fileno=os.dup2(first.fileno(), number)) as same:
            yield same, other

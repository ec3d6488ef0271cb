"""Lines of standard input: from a pipe, a file, in any pieces, and no more than are taken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

import pytest

from onehop.server.mcp import _lines
from onehop.server.mcp._lines import Lines
from tests.mcp.doors import PATIENCE

pytestmark = [pytest.mark.unit, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def pipe() -> Iterator[tuple[int, FileIO]]:
    """A pipe that nobody waits for. A test may close its end: a file does so once."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    with FileIO(source), FileIO(sink, "w") as end:
        yield source, end


async def all_of(lines: Lines) -> list[str]:
    """Until the end."""
    async with asyncio.timeout(PATIENCE):
        return [line async for line in lines]


async def test_lines_come_whole_however_they_were_cut(pipe: tuple[int, FileIO]) -> None:
    source, sink = pipe
    lines = Lines(source)
    lines.start()
    for piece in (b"on", b"e\ntwo\nth", b"r", b"ee\n", "v\xe4r\n".encode("latin-1"), b"no end"):
        os.write(sink.fileno(), piece)
        await asyncio.sleep(0.01)
    sink.close()
    assert await all_of(lines) == ["one", "two", "three", "v\ufffdr"]


async def test_a_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"".join(b"%d\n" % number for number in range(1000)))
    with path.open("rb") as file:
        lines = Lines(file.fileno())
        lines.start()
        assert await all_of(lines) == [str(number) for number in range(1000)]


async def test_a_line_that_is_too_long_is_dropped_which_is_logged(
    pipe: tuple[int, FileIO], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_lines, "MAX_LINE", 1000)
    source, sink = pipe
    lines = Lines(source)
    lines.start()
    for piece in (b"x" * 1001 + b"\n", b"y" * 1000 + b"\n", b"z" * 900, b"z" * 900, b"\nend\n"):
        os.write(sink.fileno(), piece)
        await asyncio.sleep(0.01)
    sink.close()
    assert await all_of(lines) == ["y" * 1000, "end"]
    dropped = [record.getMessage() for record in caplog.records]
    assert dropped == [
        f"a message of {size} bytes is dropped: more than 1000" for size in (1001, 1800)
    ]


async def test_no_more_is_read_than_is_taken(pipe: tuple[int, FileIO]) -> None:
    source, sink = pipe
    lines = Lines(source)
    lines.start()
    written = 0
    with suppress(BlockingIOError):
        for written in range(10_000):  # noqa: B007 - how far it came is what counts
            os.write(sink.fileno(), b"x" * 4095 + b"\n")
            await asyncio.sleep(0)
    assert written < 1000
    os.set_blocking(sink.fileno(), True)
    rest = asyncio.to_thread(_write_and_close, sink, 500)
    read, _ = await asyncio.gather(all_of(lines), rest)
    assert len(read) == written + 500


def _write_and_close(sink: FileIO, count: int) -> None:
    for _ in range(count):
        os.write(sink.fileno(), b"x" * 4095 + b"\n")
    sink.close()


async def test_nothing_comes_after_the_end(pipe: tuple[int, FileIO]) -> None:
    source, sink = pipe
    lines = Lines(source)
    lines.start()
    os.write(sink.fileno(), b"one\ntwo\n")
    await asyncio.sleep(0.01)
    lines.end()
    assert await all_of(lines) == []

"""A bare worker: Deno with the bootstrap over pipes, without pool and jail."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import deno

from onehop import guest
from onehop.compiler import Refused
from onehop.inputs.frames import FrameReader
from onehop.runs.questions import Shown
from onehop.types import Isolation, Progress
from onehop.workers.protocol import (
    Failure,
    LargeResult,
    Log,
    Message,
    Original,
    Ready,
    Result,
    encode_job,
    parse_message,
)
from tests.guest.compiler import shared_compiler

TOKEN = "a token"
ARGUMENTS = {"process": guest.deno_arguments, "realm": guest.realms_arguments}
LIMITS = {"output": 4 << 20, "keep": 32 << 20, "logs": 1 << 20, "entries": 10_000}


class Worker:
    """One Deno process; every wait ends after ``patience`` seconds."""

    def __init__(self, patience: float = 20, isolation: Isolation = "process") -> None:
        # A file, because a panic of Deno prints its arguments, which fill a pipe.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._deadline = time.monotonic() + patience
        self.process = subprocess.Popen(
            [deno.find_deno_bin(), *ARGUMENTS[isolation](160)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=guest.ENVIRONMENT,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._reader = FrameReader(64 << 20)
        self._bodies: list[bytes | bytearray] = []
        self.ready = self.read("")
        assert isinstance(self.ready, Ready)

    def read(self, token: str = TOKEN, max_output: int = LIMITS["output"]) -> Message | None:
        """The next frame; None when the worker has closed its output."""
        while not self._bodies:
            with selectors.DefaultSelector() as selector:
                selector.register(self._stdout, selectors.EVENT_READ)
                if not selector.select(max(0, self._deadline - time.monotonic())):
                    raise TimeoutError("the worker says nothing")
            data = os.read(self._stdout.fileno(), 1 << 20)
            if not data:
                return None
            self._bodies += self._reader.feed(data)
        return parse_message(self._bodies.pop(0), token, max_output)

    def send(self, data: bytes) -> None:
        self._stdin.write(data)
        self._stdin.flush()

    def close(self) -> str:
        """Kill the process and return what it wrote on standard error."""
        self.process.kill()
        self.process.wait()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        with self._errors:
            return self._errors.read().decode()


@dataclass
class Run:
    """What a worker said about one job."""

    end: Message | None
    logs: list[Log] = field(default_factory=list)
    stderr: str = ""

    @property
    def output(self) -> Any:
        assert isinstance(self.end, Result), (self.end, self.stderr)
        return self.end.output

    @property
    def large(self) -> LargeResult:
        assert isinstance(self.end, LargeResult), (self.end, self.stderr)
        return self.end

    @property
    def failure(self) -> Failure:
        assert isinstance(self.end, Failure), (self.end, self.stderr)
        return self.end

    @property
    def warnings(self) -> list[str]:
        assert isinstance(self.end, Result | LargeResult), (self.end, self.stderr)
        return list(self.end.warnings)

    @property
    def lines(self) -> list[str]:
        return [log.message for log in self.logs]


def _failure(why: Refused) -> Failure:
    return Failure("SyntaxError", why.message, None, why.line, why.column, syntax=True, dropped=0)


RunGuest = Callable[..., Run]


def run_guest(
    code: str,
    *,
    language: str = "javascript",
    context: dict[str, Any] | None = None,
    capture: bool = True,
    before: Callable[[Worker], None] | None = None,
    patience: float = 20,
    isolation: Isolation = "process",
    fixed: str = "null",
    **limits: int,
) -> Run:
    """Run ``code`` in a fresh worker, or in the first realm of a fresh process; ``before`` is
    called between ready and the job; ``fixed`` is JSON."""
    original = None
    if language == "typescript":
        compiled = shared_compiler().compile(code)
        if isinstance(compiled, Refused):
            return Run(_failure(compiled))
        code, original = compiled.code, Original(code, compiled.positions)
    worker = Worker(patience, isolation)
    run = Run(None)
    bounds = {**LIMITS, **limits}
    try:
        if before is not None:
            before(worker)
        worker.send(
            encode_job(
                token=TOKEN,
                code=code,
                original=original,
                context_json=json.dumps(context or {}).encode(),
                capture=capture,
                limits_json=json.dumps(bounds),
                fixed_json=fixed,
            )
        )
        while True:
            message = worker.read(max_output=bounds["output"])
            if isinstance(message, Shown | Progress):
                continue
            if not isinstance(message, Log):
                run.end = message
                break
            run.logs.append(message)
    finally:
        run.stderr = worker.close()
    return run

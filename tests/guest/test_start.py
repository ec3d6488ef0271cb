"""From the start of a worker to its job, and what it needs of the system."""

from __future__ import annotations

import resource
import subprocess

import deno
import pytest

from onehop import guest
from onehop.workers.protocol import Ready
from tests.guest.worker import RunGuest, Worker


def test_no_argument_is_too_long_for_the_kernel() -> None:
    assert max(len(argument.encode()) for argument in guest.deno_arguments(4096)) < 120_000


def test_the_heap_limit_is_passed_on() -> None:
    assert any("--max-heap-size=77," in argument for argument in guest.deno_arguments(77))


def test_a_worker_says_which_engine_it_is(worker: Worker) -> None:
    assert isinstance(worker.ready, Ready)
    assert worker.ready.deno.startswith("2.9.")


def test_a_worker_without_a_job_ends_with_its_input(worker: Worker) -> None:
    worker.process.stdin.close()  # type: ignore[union-attr]
    assert worker.process.wait(5) == 0


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        ("removeGlobals();\n", "", "still there"),
        ("delete globalThis[name]", "name === 'fetch' || delete globalThis[name]", "fetch"),
        ("const NO_IMPORTS = [1]", "const NO_IMPORTS = []", "a trial run gave 1"),
        (",--disallow-code-generation-from-strings", "", "code generation"),
    ],
)
def test_a_lockdown_that_fails_ends_the_worker_before_it_is_ready(
    part: str, change: str, reason: str
) -> None:
    arguments = guest.deno_arguments(160)
    changed = [argument.replace(part, change) for argument in arguments]
    assert changed != arguments
    done = subprocess.run(
        [deno.find_deno_bin(), *changed],
        env=guest.ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (70, b"")
    assert reason in done.stderr.decode()


def seal(worker: Worker) -> None:
    """What the pool does to a waiting worker: no descriptor can be opened from here on."""
    resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (0, 0))


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_a_sealed_worker_does_all_that_another_does(language: str, run: RunGuest) -> None:
    code = """
    console.log(new Error('shown'));
    await new Promise(r => setTimeout(r, 1200));
    const data = new TextEncoder().encode('a');
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data)).toHex();
    const keys = await crypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, true,
                                                 ['sign', 'verify']);
    const stream = new ReadableStream({start(c) { c.enqueue(data); c.close() }})
      .pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'))
      .pipeThrough(new TextDecoderStream());
    let text = '';
    for await (const part of stream) text += part;
    return [text, hash.slice(0, 6), keys.privateKey.type,
            new Intl.DateTimeFormat('de', {timeZone: 'Asia/Tokyo'}).format(new Date(0))]"""
    if language == "typescript":
        code = code.replace("const data =", "enum E { A }\nconst data: Uint8Array =")
    assert run(code, language=language, before=seal).output == [
        "a",
        "ca9781",
        "private",
        "1.1.1970",
    ]

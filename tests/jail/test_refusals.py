"""Sealing refuses nothing that an honest program needs: what is done lazily works in a worker."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from deno import find_deno_bin

from onehop import Sandbox, SandboxConfig
from tests.processes import workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the jail is Linux's")

PROGRAMS = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "first_uses").glob("*.js"))
}
"""Function bodies that use what engine and libraries do only when it is first asked for. Each
returns the same wherever Deno runs, but for those that ask what there is."""
INQUISITIVE = ("every-global",)
EXPLAINED = {
    "clone3 ENOSYS": "libc then makes the thread by clone, which the filter can look into",
    "openat /etc/localtime EMFILE": "which time zone is this? UTC, then",
    "openat /usr/share/zoneinfo/ EMFILE": "the same",
    "readlink /etc/localtime ENOENT": "the same",
    "openat /proc/sys/vm/overcommit_memory EMFILE": "may libc's heap shrink? It does not, then",
    "openat /sys/devices/system/cpu/online EMFILE": "how many processors? The kernel's mask tells",
    "openat /proc/stat EMFILE": "the same",
    "openat /sys/devices/system/cpu/cpu0/tsc_freq_khz EMFILE": "a clock is measured instead",
    "stat /dev/sysgenid ENOENT": "was the virtual machine copied? No such device, here or outside",
    "madvise EINVAL": "the cryptographic library asks for an advice that no kernel has",
}
"""Calls that fail in a sealed worker, and why no program notices."""
HARMLESS = ("EAGAIN", "ETIMEDOUT", "EINTR", "ERESTART")
"""Of calls that wait."""
_LINE = re.compile(r"(\d+) +(.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_FAILED = re.compile(r"(\w+)\((.*)\)\s+= -1 (E\w+)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def roomy() -> AsyncIterator[Sandbox]:
    config = SandboxConfig(pool_size=1, memory_limit=512, timeout=30_000)
    async with Sandbox(config) as sandbox:
        yield sandbox


def outside() -> dict[str, Any]:
    """What the programs return in a plain Deno."""
    script = "".join(
        f"results[{json.dumps(name)}] = await (async () => {{{code}}})();\n"
        for name, code in PROGRAMS.items()
        if name not in INQUISITIVE
    )
    quiet = "for (const name of Object.keys(console)) console[name] = () => {};\n"
    head = f"const results = {{}}, say = console.log; {quiet}"
    done = subprocess.run(
        [find_deno_bin(), "run", "--no-prompt", "--ext=js", "-"],
        input=f"{head}{script}say(JSON.stringify(results))",
        env={"TZ": "UTC", "DENO_DIR": "/dev/null/x", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_first_uses_give_in_a_sealed_worker_what_they_give_outside(roomy: Sandbox) -> None:
    expected = await asyncio.to_thread(outside)
    for name in expected:
        result = await roomy.execute(PROGRAMS[name])
        assert (name, result.error, result.output) == (name, None, expected[name])


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", PROGRAMS)
async def test_no_system_call_of_a_sealed_worker_is_refused_without_an_explanation(
    name: str, roomy: Sandbox, tmp_path: Path
) -> None:
    with tracing(await the_worker(), tmp_path / "trace"):
        result = await roomy.execute(PROGRAMS[name])
        assert result.success, result.error
    refused = set(refusals((tmp_path / "trace").read_text()))
    assert refused <= set(EXPLAINED)


async def the_worker() -> int:
    """The one that the next run will be given, once it is sealed and warm."""
    async with asyncio.timeout(20):
        while len(found := workers()) != 1:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    return found[0]


class tracing:  # noqa: N801 - used as a function
    """Write the system calls of a process to a file."""

    def __init__(self, pid: int, path: Path) -> None:
        self.command = ["strace", "-f", "-qq", "-o", str(path), "-p", str(pid)]
        self.pid = pid

    def __enter__(self) -> None:
        if shutil.which("strace") is None:
            pytest.skip("strace is not installed")
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        while not _is_traced(self.pid):
            if self.process.poll() is not None:
                assert self.process.stderr is not None
                pytest.skip(f"strace cannot attach here: {self.process.stderr.read()}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)


def _is_traced(pid: int) -> bool:
    """All threads of it."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks)


def refusals(trace: str) -> Iterator[str]:
    """Each call that failed, as ``name path error``; a call that another thread's interrupts comes
    in two lines."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        match = _LINE.match(line)
        thread, call = match.groups() if match else ("", "")
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
            continue
        whole = _RESUMED.sub(lambda _, thread=thread: begun.pop(thread, ""), call)
        if (failed := _FAILED.match(whole)) and failed[3] not in HARMLESS:
            path = re.search(r'"(.*?)"', failed[2])
            yield " ".join([failed[1], *([path[1]] if path else []), failed[3]])


def test_a_refusal_is_found_in_a_trace() -> None:
    """So the test above can fail."""
    trace = (
        '7 openat(AT_FDCWD, "/proc/self/maps", O_RDONLY <unfinished ...>\n'
        "8 futex(0x1, FUTEX_WAIT, 0, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n"
        "7 <... openat resumed>) = -1 EMFILE (Too many open files)\n"
        "8 socket(AF_INET, SOCK_STREAM, 0) = -1 EPERM (Operation not permitted)\n"
    )
    assert list(refusals(trace)) == ["openat /proc/self/maps EMFILE", "socket EPERM"]

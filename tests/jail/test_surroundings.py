"""The jail in the surroundings that it meets: containers, forbidden namespaces, older kernels."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from seccompy import syscalls

from onehop import LayerUnavailableError, SandboxUnavailableError, jail
from onehop.jail import _binary, _seccomp
from onehop.workers import deno_programs
from tests.test_lifecycle import WHOLE
from tests.users import User, run_as

DOCKER_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
"""What Docker and Podman leave to root by default (numbers of <linux/capability.h>)."""
PR_CAPBSET_DROP = 24


def like_a_container() -> None:
    libc = ctypes.CDLL(None)
    for number in range(64):
        if number not in DOCKER_CAPABILITIES:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up capabilities")
def test_root_of_a_plain_container_can_run_it() -> None:
    words = _python(WHOLE, like_a_container).split()
    assert words[:3] == ["2", "timeout", "resource_limit"]
    assert {"landlock", "seccomp", "uid", "rlimits", "no_new_privs"} <= set(words)
    assert "namespaces" not in words


def without_calls(*names: str, error: int = errno.EPERM) -> str:
    """Python text that makes system calls fail, as an older kernel or a container would."""
    rules = "; ".join(f"f.errno({name!r}, {error})" for name in names)
    return f"import seccompy; f = seccompy.Filter(); {rules}; f.load()\n"


def test_where_namespaces_are_forbidden_the_other_layers_hold(user: User) -> None:
    done = run_as(user, "-c", without_calls("unshare") + WHOLE)
    words = done.stdout.split()
    assert words[:3] == ["2", "timeout", "resource_limit"]
    assert not done.stderr  # it would tell that workers are executed one by one
    assert {"landlock", "seccomp", "uid", "rlimits", "no_new_privs"} <= set(words)
    assert "namespaces" not in words


@pytest.mark.thorough
def test_where_a_template_cannot_be_had_workers_are_executed_and_the_log_says_why(
    user: User,
) -> None:
    done = run_as(user, "-c", without_calls("unshare", "memfd_create") + WHOLE)
    words = done.stdout.split()
    assert words[:3] == ["2", "timeout", "resource_limit"]
    assert {"landlock", "seccomp", "uid", "rlimits", "no_new_privs"} <= set(words)
    assert "workers start more slowly from now on: no memory file" in done.stderr


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errno.ENOSYS, "the kernel has no Landlock"),
        (errno.EOPNOTSUPP, "Landlock was disabled when the kernel started"),
        (errno.EPERM, "a seccomp profile around this process forbids"),
    ],
)
def test_without_landlock_it_does_not_start_and_says_why(
    user: User, error: int, reason: str
) -> None:
    blind = without_calls("landlock_create_ruleset", error=error)
    done = run_as(user, "-c", blind + WHOLE, check=False)
    assert done.returncode != 0
    assert "LayerUnavailableError" in done.stderr
    assert f"the isolation layer 'landlock' cannot be applied: {reason}" in done.stderr
    assert "allow_degraded=['landlock']" in done.stderr


def test_a_layer_that_may_be_missing_is_missing_in_the_result_too(user: User) -> None:
    blind = without_calls("landlock_create_ruleset")
    degraded = WHOLE.replace("pool_size=1", "pool_size=1, allow_degraded=['landlock']")
    words = run_as(user, "-c", blind + degraded).stdout.split()
    assert words[:3] == ["2", "timeout", "resource_limit"]
    assert "landlock" not in words
    assert "seccomp" in words


@pytest.mark.sample(2)
@pytest.mark.parametrize("layer", ["seccomp", "landlock", "uid"])
def test_each_missing_layer_stops_the_plan_unless_it_is_named(layer: str) -> None:
    cases: dict[str, dict[str, Any]] = {
        "seccomp": {"seccomp": False},
        "landlock": {"landlock_abi": 0},
        "uid": {"is_root": True, "may_drop_root": False},
    }
    machine = replace(jail.examine(), **cases[layer])
    with pytest.raises(LayerUnavailableError, match=layer) as caught:
        jail.decide(machine, (), {"worker": [sys.executable]}, {})
    assert caught.value.layer == layer
    assert next(r for r in jail.report(machine) if r.name == layer).state == "missing"
    plan = jail.decide(machine, (layer,), {"worker": [sys.executable]}, {})
    assert layer not in plan.layers
    assert layer in plan.missing


def test_other_systems_are_refused_with_what_to_do() -> None:
    with pytest.raises(SandboxUnavailableError, match="WSL 2"):
        jail.decide(replace(jail.examine(), system="Windows"), (), {"worker": ["deno"]}, {})


def test_macos_needs_the_limits_to_be_allowed_to_be_missing() -> None:
    mac = replace(jail.examine(), system="Darwin")
    with pytest.raises(LayerUnavailableError, match="rlimits"):
        jail.decide(mac, (), {"worker": ["/x/deno"]}, {})
    assert jail.decide(mac, ("rlimits",), {"worker": ["/x/deno"]}, {}).layers == ("seatbelt",)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_compiles_for_both_architectures(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    program = _seccomp.build()
    assert len(program.pid_offsets) == 2
    audit = {"x86_64": syscalls.AUDIT_ARCH_X86_64, "aarch64": syscalls.AUDIT_ARCH_AARCH64}
    assert audit[machine].to_bytes(4, "little") in program.code


def limited(files: int) -> str:
    """Python text that lowers the limit of open files for good."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n"


def test_a_limit_of_a_few_hundred_open_files_is_enough(user: User) -> None:
    words = run_as(user, "-c", limited(160) + WHOLE).stdout.split()
    assert words[:3] == ["2", "timeout", "resource_limit"]


NUMBERS = """
import asyncio, os
from onehop import Sandbox, SandboxConfig

async def main():
    for number in range(97, 102):
        held = [os.dup(0)]
        while held[-1] < number:
            held.append(os.dup(0))
        async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
            print((await sandbox.execute("return 1 + 1")).output)
        for each in held:
            os.close(each)

asyncio.run(main())
"""


def test_it_starts_however_many_files_the_host_has_open(user: User) -> None:
    """The engine's binary has a fixed number in the spawner; the socket to the host had the number
    that it has in the host, which was the same with 99 or 100 open files."""
    done = run_as(user, "-c", NUMBERS)
    assert done.stdout.split() == ["2"] * 5


def test_a_limit_of_open_files_that_is_too_low_is_named(user: User) -> None:
    done = run_as(user, "-c", _without_resources() + limited(100) + WHOLE, check=False)
    assert "SandboxUnavailableError" in done.stderr
    assert "the limit of open files is 100 (RLIMIT_NOFILE" in done.stderr
    assert "isolation layer" not in done.stderr


def _without_resources() -> str:
    """Python text that gives up what lets root raise limits again (CAP_SYS_RESOURCE)."""
    return (
        "import ctypes\n"
        "header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
        "libc = ctypes.CDLL(None); libc.capget(header, sets)\n"
        "sets[0] &= ~(1 << 24); sets[1] &= ~(1 << 24); libc.capset(header, sets)\n"
    )


@pytest.mark.thorough
def test_libraries_that_the_host_preloads_do_not_reach_workers(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (deno,) = {argv[0] for argv in deno_programs().values()}
    libm = next(path for path in _binary.inspect(deno).libraries if "/libm." in path)
    monkeypatch.setenv("LD_PRELOAD", libm)
    words = run_as(user, "-c", WHOLE).stdout.split()
    assert words[:3] == ["2", "timeout", "resource_limit"]


def _python(code: str, before: Callable[[], None]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

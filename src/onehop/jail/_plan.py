"""From what is wanted and what the kernel has to a plan that the spawner carries out."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from onehop._data import data
from onehop.errors import LayerUnavailableError, SandboxUnavailableError
from onehop.jail import _binary, _cgroup, _landlock, _seccomp, _steps, syscalls
from onehop.jail._accounts import has_accounts, may_drop_root, own_status
from onehop.jail._layers import LayerReport
from onehop.jail.syscalls import _code

if TYPE_CHECKING:
    from onehop.jail._spawner_process import SpawnerProcess

NOBODY = 65534
"""The overflow uid and gid of Linux (/proc/sys/kernel/overflowuid): owns nothing."""
_OPTIONAL = frozenset(["namespaces", "threads", "cgroup"])
"""Layers that many machines do not have; they are used where they can be had."""

RLIMITS = {
    resource.RLIMIT_NOFILE: 64,
    # V8 reserves 50 GB at the start. Without a bound, filling all address space could force the
    # kernel to place a mapping where the path of the one allowed execution has to be.
    resource.RLIMIT_AS: 256 << 30,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_MEMLOCK: 0,
    getattr(resource, "RLIMIT_MSGQUEUE", resource.RLIMIT_CORE): 0,
    # Signals that wait take memory of the kernel, and are counted for all processes of a user. None
    # that an engine sends to itself is lost without it.
    getattr(resource, "RLIMIT_SIGPENDING", resource.RLIMIT_CORE): 0,
}
"""Set before the engine starts; ``workers`` tightens them once a worker is ready."""


Programs = Mapping[str, list[str]]
"""Command lines by name, all of one binary; ``@HEAP@`` in them stands for a heap limit in MB. The
first is wanted at once, and the others may be made when they are looked at."""


@data(frozen=True, slots=True)
class Features:
    """What this machine offers to confine a process."""

    system: str
    machine: str
    landlock_abi: int
    seccomp: bool
    is_root: bool
    may_drop_root: bool
    """Whether root can become nobody (CAP_SETUID, CAP_SETGID), and still end it (CAP_KILL)."""
    namespaces: str
    """Empty when namespaces can be entered, else why not."""
    accounts: bool
    """Whether each worker can have a user id of its own."""
    cgroup: str
    """Empty when the service's control group bounds processes and memory, else why not."""
    threads: str
    """Empty when the kernel can bound the threads of each worker alone, else why not."""


@data(frozen=True, slots=True)
class Plan:
    """Ordered by the spawner, decided here. ``layers`` are those that workers will be under."""

    layers: tuple[str, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    """Layers that are not applied, and why; each was allowed by name or is optional."""
    body: Mapping[str, Any] = field(default_factory=dict)
    programs: Programs = field(default_factory=dict)
    """All that may be started under it; ``body`` has the first one."""

    def to_json(self) -> bytes:
        """The spawner's input."""
        return json.dumps(_compiled(self.body)).encode()


def prepare(programs: Programs) -> None:
    """Make what a plan for ``programs`` takes longest to make, and needs no features for."""
    programs[next(iter(programs))]
    if _knows(platform.machine()):
        _seccomp.build()


def examine(begun: SpawnerProcess | None = None) -> Features:
    """Ask the kernel; no process is confined by asking, except one that ends at once. ``begun``,
    if it was asked to, knows some of it already."""
    accounts = has_accounts()
    optional = _try_optional(accounts, begun)
    return Features(
        system=platform.system(),
        machine=platform.machine(),
        landlock_abi=_landlock.abi() if sys.platform == "linux" else 0,
        seccomp=_has_seccomp(),
        is_root=os.geteuid() == 0,
        may_drop_root=may_drop_root(),
        namespaces=optional["namespaces"],
        accounts=accounts,
        threads=optional["threads"],
        cgroup=_cgroup.absence(),
    )


def report(features: Features) -> list[LayerReport]:
    """Each layer's state on this machine, before any worker has proved it."""
    reports = []
    for name, reason in _unavailable(features).items():
        if not reason:
            reports.append(LayerReport(name, "available", _DETAIL[name](features)))
        else:
            optional = name in _OPTIONAL
            reports.append(LayerReport(name, "degraded" if optional else "missing", reason))
    return reports


def decide(
    features: Features,
    allow_degraded: Collection[str],
    programs: Programs,
    env: Mapping[str, str],
    copies: bool = True,
) -> Plan:
    """The plan for ``programs``. With ``copies``, processes of a program are copied from one that
    has loaded it, where that is possible. Raises LayerUnavailableError for a layer that is not
    available and not named in ``allow_degraded``."""
    if features.system not in ("Linux", "Darwin"):
        raise SandboxUnavailableError(
            f"there is no jail for {features.system}: onehop runs on Linux, and untested on macOS; "
            "on Windows use it inside WSL 2"
        )
    unavailable = _unavailable(features)
    for layer, reason in unavailable.items():
        if reason and layer not in _OPTIONAL and layer not in allow_degraded:
            raise LayerUnavailableError(layer, reason)
    missing = {layer: reason for layer, reason in unavailable.items() if reason}
    layers = tuple(layer for layer in unavailable if layer not in missing)
    return Plan(layers, missing, _body(features, layers, programs, env, copies), programs)


def _body(
    features: Features,
    layers: tuple[str, ...],
    programs: Programs,
    env: Mapping[str, str],
    copies: bool,
) -> dict[str, Any]:
    first = next(iter(programs))
    path = programs[first][0]
    common = {"programs": {first: programs[first]}, "env": dict(env)}
    if features.system == "Darwin":
        return {"binary": os.path.realpath(path), **common}
    program = _binary.inspect(path)
    loaders = [program.loader] if program.loader else []
    return {
        "binary": program.path,
        **common,
        "namespaces": "namespaces" in layers,
        "root_files": [*loaders, *program.libraries, "/dev/urandom"],
        "landlock": _landlock.ruleset(
            features.landlock_abi, [program.path, *loaders], list(program.libraries)
        )
        if "landlock" in layers
        else None,
        "copies": copies and program.loader is not None,
        **_child(features, layers),
    }


def _compiled(body: Mapping[str, Any]) -> dict[str, Any]:
    """With the steps as tables for the spawner."""
    if "steps" not in body:
        return dict(body)
    from seccompy import syscall_nr  # late, for the reason that _seccomp gives

    steps, filter_ = body["steps"], bytes.fromhex(body["filter"])
    return {
        **{name: value for name, value in body.items() if name not in ("filter", "copies")},
        "steps": [[layer, what, expect] for layer, what, _, _, expect, _ in steps],
        "executed": syscalls.executed(steps, filter_, syscall_nr),
        "template": syscalls.template(syscall_nr),
        "copied": syscalls.copied(steps, filter_, syscall_nr) if body["copies"] else None,
    }


def _child(features: Features, layers: tuple[str, ...]) -> dict[str, Any]:
    """What each child does to itself."""
    from seccompy import syscall_nr  # late, for the reason that _seccomp gives

    program = _seccomp.build() if "seccomp" in layers else None
    drops_root = features.is_root and "uid" in layers
    own_accounts = drops_root and features.accounts and "threads" in layers
    confinement = _steps.Confinement(
        landlock="landlock" in layers,
        seccomp=program,
        rlimits=RLIMITS if "rlimits" in layers else {},
        drops_root=drops_root,
        counted=_counted(own_accounts) if "threads" in layers else None,
        proved=[layer for layer in ("landlock", "seccomp", "rlimits") if layer in layers],
        witness=_witness(),
    )
    return {
        "runner": _code.CODE[features.machine].hex(),
        "filter": program.code.hex() if program else "",
        "steps": _steps.to_json(_steps.steps(confinement), syscall_nr),
        "nobody": NOBODY,
        "drop_uid": drops_root,
        "own_accounts": own_accounts,
    }


def _counted(own_accounts: bool) -> _steps.Counted:
    """Nobody's id is that of all workers, so there a user namespace has to tell them apart."""
    return _steps.Counted(not own_accounts, resource.getrlimit(resource.RLIMIT_NPROC)[1])


def _witness() -> str:
    """A program that everybody may read and run, so that only the jail can forbid it."""
    return os.path.realpath("/bin/sh")


def _unavailable(features: Features) -> dict[str, str]:
    """Each layer with the reason why it cannot be had; an empty reason means that it can."""
    if features.system == "Darwin":
        return {
            "seatbelt": "",
            "rlimits": "macOS cannot limit another process: V8's own heap limit and the host's "
            "sampling hold memory and CPU there",
        }
    known = _knows(features.machine)
    return {
        "seccomp": ""
        if features.seccomp and known
        else "the kernel was built without seccomp filters"
        if known
        else f"there is no table of system calls for {features.machine}",
        "landlock": "" if features.landlock_abi > 0 else _landlock.absence(features.landlock_abi),
        "rlimits": "",
        "uid": ""
        if not features.is_root or features.may_drop_root
        else "root needs CAP_SETUID and CAP_SETGID to become nobody, and CAP_KILL to end what it "
        "has started; or run as an ordinary user, who needs none",
        "no_new_privs": "",
        "namespaces": features.namespaces,
        "threads": features.threads,
        "cgroup": features.cgroup,
    }


def _knows(machine: str) -> bool:
    """Whether there is a table of its system calls."""
    return sys.platform == "linux" and machine in ("x86_64", "aarch64")


_DETAIL: Mapping[str, Callable[[Features], str]] = {
    "seatbelt": lambda _: "sandbox-exec; untested",
    "seccomp": lambda f: f"allow-list for {f.machine}; anything else is refused",
    "landlock": lambda f: f"ABI {f.landlock_abi}; the engine reads its own libraries only",
    "rlimits": lambda _: "descriptors, files, core; memory and CPU once a worker is ready",
    "uid": lambda f: (
        "runs as an ordinary user"
        if not f.is_root
        else "root becomes a user that nobody else is"
        if f.accounts and not f.threads
        else "root becomes nobody"
    ),
    "no_new_privs": lambda _: "no program can raise privileges",
    "namespaces": lambda _: "empty root, own processes, no network, no IPC",
    "cgroup": lambda _: "processes and memory of the service and all its workers are bounded",
    "threads": lambda f: (
        "the kernel bounds each worker's threads, by a user "
        + ("id" if f.is_root and f.accounts else "namespace")
        + " of its own"
    ),
}


def _has_seccomp() -> bool:
    return "Seccomp" in own_status()


def _try_optional(accounts: bool, begun: SpawnerProcess | None) -> Mapping[str, str]:
    """Why a process cannot enter its own namespaces, and why its threads cannot be counted alone;
    an empty string when it can."""
    if sys.platform != "linux":
        return {"namespaces": "not Linux", "threads": "not Linux"}
    from onehop.jail import _probe

    return _probe.optional_layers(accounts, begun)

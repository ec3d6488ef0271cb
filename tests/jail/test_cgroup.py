"""The receipt says whether a control group bounds the service, and the doctor says what lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from onehop import jail
from onehop.jail import _cgroup
from tests.jail.test_steps import TRUE


def found(
    tmp_path: Path, bounds: dict[str, str], path: str = "/system.slice/onehop.service"
) -> str:
    """What is said of a service in the group ``path``; ``bounds`` are files below the mount."""
    mounted, own = tmp_path / "cgroup", tmp_path / "own"
    (mounted / path.lstrip("/")).mkdir(parents=True)
    (mounted / "cgroup.controllers").write_text("memory pids\n")
    own.write_text(f"3:cpu:/elsewhere\n0::{path}\n")
    for name, value in bounds.items():
        (mounted / name).write_text(f"{value}\n")
    return _cgroup.absence(mounted, own)


def test_bounds_of_the_group_and_of_those_around_it_count(tmp_path: Path) -> None:
    service = "system.slice/onehop.service"
    assert not found(
        tmp_path, {f"{service}/pids.max": "512", "system.slice/memory.max": "99999999"}
    )


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    assert not found(tmp_path, {"pids.max": "512", "memory.max": "99999999"}, "/")


@pytest.mark.parametrize(
    ("bounds", "lack"),
    [
        ({}, "processes and threads and memory"),
        ({"pids.max": "max", "memory.max": "99999999"}, "processes and threads"),
        ({"pids.max": "512", "memory.max": "max"}, "memory"),
    ],
)
def test_what_is_not_bounded_is_named(tmp_path: Path, bounds: dict[str, str], lack: str) -> None:
    assert found(tmp_path, bounds, "/") == f"the service's control group does not bound {lack}"


def test_without_control_groups_of_version_2_it_says_so(tmp_path: Path) -> None:
    assert "version 2" in _cgroup.absence(tmp_path, tmp_path / "nowhere")


@pytest.mark.parametrize(("reason", "state"), [("", "available"), ("not here", "degraded")])
def test_it_is_in_the_plan_only_where_it_is_found(reason: str, state: str) -> None:
    machine = replace(jail.examine(), cgroup=reason)
    plan = jail.decide(machine, (), {"worker": [TRUE]}, {})
    assert ("cgroup" in plan.layers) == (not reason)
    assert next(r for r in jail.report(machine) if r.name == "cgroup").state == state

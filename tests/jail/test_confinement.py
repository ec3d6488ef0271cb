"""Nothing that a taken-over engine would try works, whoever runs the host."""

from __future__ import annotations

import errno
import json
import signal
import sys

import pytest

from onehop import jail
from tests.jail.attempts import DEADLY, REFUSED
from tests.users import User, run_as

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the jail is Linux's")

FORBIDDEN = {-errno.EPERM, -errno.EACCES, -errno.ENOSYS, -errno.ENOENT}
"""ENOENT comes from the empty root."""
OTHERWISE = {
    "fill the address space": -errno.ENOMEM,
    "execveat once more": -errno.EFAULT,  # nothing can be mapped where the path would have to be
    "have memory written to the swap": -errno.EINVAL,
    "have memory merged with that of others": -errno.EINVAL,
    "take a descriptor beyond its number": -errno.EINVAL,  # beyond RLIMIT_NOFILE
}


def refused(what: str, outcome: int) -> bool:
    return outcome == OTHERWISE[what] if what in OTHERWISE else outcome in FORBIDDEN


@pytest.mark.sample(2)
@pytest.mark.parametrize("start", ["executed", "copied"])
@pytest.mark.parametrize("namespaces", ["namespaces", "none"])
def test_every_attempt_of_a_native_program_to_leave_the_jail_fails(
    user: User, namespaces: str, start: str
) -> None:
    if namespaces == "namespaces" and (reason := jail.examine().namespaces):
        pytest.skip(f"namespaces cannot be entered here: {reason}")
    done = run_as(user, "-m", "tests.jail.attempts", namespaces, start)
    assert not done.stderr  # it would tell that it was started in another way
    outcomes = json.loads(done.stdout)
    escaped = {what: outcomes[what] for what in REFUSED if not refused(what, outcomes[what])}
    alive = {what: outcomes[what] for what in DEADLY if outcomes[what] != f"signal {signal.SIGSYS}"}
    assert (escaped, alive) == ({}, {})


@pytest.mark.sample(1)
@pytest.mark.parametrize("start", ["executed", "copied"])
def test_without_the_filter_the_same_attempts_do_get_through(start: str) -> None:
    """So the test above can fail."""
    attempts = ("open a local socket", "make an anonymous executable", "io_uring")
    done = run_as(
        "whoever runs the tests", "-m", "tests.jail.attempts", "unfiltered", start, *attempts
    )
    outcomes = json.loads(done.stdout)
    assert outcomes["open a local socket"] >= 0
    assert outcomes["make an anonymous executable"] >= 0
    assert outcomes["io_uring"] == "it went on"

"""Run Python as this user or as nobody, so that the jail is proved under both."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from deno import find_deno_bin

User = Literal["whoever runs the tests", "nobody"]
NOBODY = 65534
ROOT = Path(__file__).parent.parent


def run_as(
    user: User, *arguments: str, timeout: float = 100, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run Python with ``arguments`` and this environment's packages."""
    account = NOBODY if user == "nobody" else None
    done = subprocess.run(
        [_python(user), *arguments],
        user=account,
        group=account,
        extra_groups=[] if account else None,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(_packages()),
            "HOME": "/nonexistent",
            "ONEHOP_DENO": str(find_deno_bin()),
        },
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check:
        assert done.returncode == 0, done.stderr + done.stdout
    return done


def _python(user: User) -> str:
    if user != "nobody":
        return sys.executable
    found = _python_of_nobody()
    if found is None:
        pytest.skip("nobody can run no Python here that has the version of this one")
    return found


@functools.cache
def _python_of_nobody() -> str | None:
    """This interpreter, or the system's of the same version if this one lies in a closed folder."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        try:
            done = subprocess.run(
                [python, "-c", "import onehop.requests"],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                cwd=ROOT,
                env={"PYTHONPATH": os.pathsep.join(_packages())},
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


def _packages() -> list[str]:
    """Where this interpreter finds what the tests import."""
    return [str(ROOT), str(ROOT / "src"), *(path for path in sys.path if "site-packages" in path)]

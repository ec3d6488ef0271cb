"""Run Python as this user or as nobody, so that the jail is proved under both."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest import SkipTest

from deno import find_deno_bin

User = Literal["whoever runs the tests", "nobody"]
NOBODY = 65534
ROOT = Path(__file__).parent.parent
_UNNEEDED = ("mypy*", "*__mypyc*", "ruff*", "pip*", "setuptools*", "hypothesis*", "__pycache__")


@dataclass(frozen=True)
class Place:
    """Where a user finds this checkout, the packages that it needs, and Deno."""

    root: Path
    packages: tuple[str, ...]
    deno: str

    @property
    def environment(self) -> dict[str, str]:
        """What Python and onehop need to be told."""
        path = [str(self.root), str(self.root / "src"), *self.packages]
        return {"PYTHONPATH": os.pathsep.join(path), "ONEHOP_DENO": self.deno}


def run_as(
    user: User, *arguments: str, timeout: float = 100, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run Python with ``arguments`` and this environment's packages."""
    place, python = _of_nobody() if user == "nobody" else (_here(), sys.executable)
    environment = {**os.environ, **place.environment, "HOME": "/nonexistent"}
    done = _run([python, *arguments], place, environment, user, timeout)
    if check:
        assert done.returncode == 0, done.stderr + done.stdout
    return done


def _run(
    command: list[str], place: Place, environment: dict[str, str], user: User, timeout: float
) -> subprocess.CompletedProcess[str]:
    account = NOBODY if user == "nobody" else None
    return subprocess.run(
        command,
        user=account,
        group=account,
        extra_groups=[] if account else None,
        cwd=place.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _here() -> Place:
    packages = tuple(path for path in sys.path if "site-packages" in path)
    return Place(ROOT, packages, str(find_deno_bin()))


@functools.cache
def _of_nobody() -> tuple[Place, str]:
    """A place and a Python for nobody: this checkout, or a copy if it lies in a closed folder;
    this interpreter, or the system's of the same version."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for make_place in (_here, _open_copy):
        place = make_place()
        for python in (sys.executable, f"/usr/bin/python{version}"):
            if _works_for_nobody(place, python):
                return place, python
    raise SkipTest("nobody can run no Python here that has the version of this one")


def _works_for_nobody(place: Place, python: str) -> bool:
    probe = [python, "-c", f"import onehop.requests, seccompy; open({place.deno!r}, 'rb').close()"]
    try:
        return _run(probe, place, place.environment, "nobody", 60).returncode == 0
    except OSError:
        return False


def _open_copy() -> Place:
    """What is needed, in a folder that everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="onehop-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*_UNNEEDED))
    packages = []
    for number, path in enumerate(_here().packages):
        target = folder / f"packages{number}"
        shutil.copytree(path, target, ignore=shutil.ignore_patterns(*_UNNEEDED))
        packages.append(str(target))
    deno = shutil.copy(find_deno_bin(), folder / "deno")
    _run(["chmod", "-R", "a+rX", str(folder)], _here(), {}, "whoever runs the tests", 60)
    return Place(folder, tuple(packages), str(deno))

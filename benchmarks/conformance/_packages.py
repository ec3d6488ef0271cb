"""Packages of npm in a cache folder: fetched once, unpacked, never installed."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

_TIMEOUT = 600

Pack = Callable[[Sequence[str], Path], object]
"""Puts the archive of each package into a folder."""


class Packages:
    """Sources of packages, each by a name with an exact version, as ``lodash@4.18.1``.

    No script of a package is run: its archive is unpacked, and that is all.
    """

    def __init__(self, folder: Path, pack: Pack | None = None) -> None:
        self._folder = folder
        self._pack = pack or _npm_pack

    def fetch(self, specs: Sequence[str]) -> dict[str, Path]:
        """The folder of each package. Raises CalledProcessError when npm cannot get one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = [spec for spec in specs if not self._place(spec).is_dir()]
        if missing:
            self._get(missing)
        return {spec: self._place(spec) for spec in specs}

    def _place(self, spec: str) -> Path:
        return self._folder / _stem(spec)

    def _get(self, specs: Sequence[str]) -> None:
        with TemporaryDirectory(dir=self._folder) as work:
            self._pack(specs, Path(work))
            for spec in specs:
                _unpack(Path(work, _stem(spec) + ".tgz"), self._place(spec))


def _npm_pack(specs: Sequence[str], folder: Path) -> None:
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), *specs]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_TIMEOUT)


def _stem(spec: str) -> str:
    """What npm calls the archive of a package: ``@a/b@1.0`` becomes ``a-b-1.0``."""
    name, _, version = spec.rpartition("@")
    return f"{name.removeprefix('@').replace('/', '-')}-{version}"


def _unpack(archive: Path, place: Path) -> None:
    with TemporaryDirectory(dir=archive.parent) as work:
        with tarfile.open(archive) as opened:
            opened.extractall(work, filter="data")
        [top] = Path(work).iterdir()
        shutil.move(top, place)

"""Where files of other programs are: on Linux, on macOS, and on Windows as seen from WSL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from onehop.cli._mcp_clients import Places
from onehop.errors import ConfigError

System = Literal["linux", "macos", "windows"]

_FOLDERS: Final = {
    "~/.claude.json": "CLAUDE_CONFIG_DIR",
    "~/.codex/": "CODEX_HOME",
    "~/.config/": "XDG_CONFIG_HOME",
}
"""What clients find their files by, if it is set."""
_PATIENCE: Final = 20
"""Seconds that Windows has to answer; it may have to start first."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The system that a client runs on. On "windows", onehop itself runs in WSL."""

    system: System

    def path(self, places: Places) -> Path:
        """The file of a client. Raises ConfigError when Windows does not say where its is."""
        if self.system == "windows":
            return _on_windows(places.windows)
        names = places.linux if self.system == "linux" else places.macos
        paths = [_moved(name).expanduser() for name in names]
        return next((path for path in paths if path.exists()), paths[0])

    def command(self, agent: str | None, tools: Sequence[Path] = ()) -> tuple[str, ...]:
        """How a client there starts this very installation, with files of tools: programs with a
        window know no PATH of a shell, and start it in a folder of their own."""
        named = [word for file in tools for word in ("--tools", str(file))]
        program = [*_program(), "mcp", *(["--agent", agent] if agent else []), *named]
        if self.system != "windows":
            return tuple(program)
        distribution = os.environ.get("WSL_DISTRO_NAME")
        chosen = ["--distribution", distribution] if distribution else []
        return ("wsl.exe", *chosen, "--exec", *program)


def here(windows: bool) -> Machine:
    """This machine, or with ``windows`` the Windows around WSL."""
    if windows:
        return Machine("windows")
    return Machine("macos" if sys.platform == "darwin" else "linux")


def in_wsl() -> bool:
    """Whether this Linux runs in Windows."""
    return "WSL_DISTRO_NAME" in os.environ or Path("/proc/sys/fs/binfmt_misc/WSLInterop").exists()


def _moved(name: str) -> Path:
    """Where a client has its folder if the environment names another."""
    for folder, variable in _FOLDERS.items():
        other = os.environ.get(variable)
        if other and name.startswith(folder):
            return Path(other) / (name.removeprefix(folder) or Path(name).name)
    return Path(name)


def _program() -> list[str]:
    script = shutil.which(str(Path(sys.executable).with_name("onehop")))
    return [script] if script else [sys.executable, "-m", "onehop"]


def _on_windows(names: Sequence[str]) -> Path:
    """The first file whose folder exists, else the last."""
    *special, plain = names
    for name in special:
        folder, rest = _from_windows(name)
        for found in sorted(folder.glob(str(Path(rest).parent))):
            return found / Path(rest).name
    folder, rest = _from_windows(plain)
    return folder / rest


def _from_windows(name: str) -> tuple[Path, str]:
    """A folder of Windows, and what comes behind it."""
    variable, _, rest = name.lstrip("%").partition("%/")
    value = _said(["cmd.exe", "/c", f"echo %{variable}%"])
    return Path(_said(["wslpath", "-u", value])), rest


def _said(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        advice = "name the client's file with --file, or use 'onehop mcp config'"
        reason = f"Windows does not say where its files are ({error}): {advice}"
        raise ConfigError("wsl", reason) from None
    return done.stdout.strip()

"""Try namespaces, and whether threads can be counted, in processes that end at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.jail._spawner_process import SpawnerProcess

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from spawner.probe import main
main()
"""


def optional_layers(accounts: bool, begun: SpawnerProcess | None = None) -> dict[str, str]:
    """For the layers ``namespaces`` and ``threads``: why the spawner could not have it, or an empty
    string. ``accounts`` says that workers can have user ids of their own. ``begun`` is
    asked if it can say it."""
    try:
        said = begun.offers() if begun is not None else b""
    except OSError as error:  # TimeoutError too
        return _unknown(f"the probe did not run: {error}")
    return json.loads(said) if said else _tried(accounts)


def _tried(accounts: bool) -> dict[str, str]:
    words = [os.path.dirname(__file__), "accounts" if accounts else "none"]
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return _unknown(f"the probe did not run: {error}")
    try:
        found: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        return _unknown(f"the probe failed: {done.stderr.strip()[-200:]}")
    return found


def _unknown(reason: str) -> dict[str, str]:
    return {"namespaces": reason, "threads": reason}

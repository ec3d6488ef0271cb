"""Try namespaces in a process that ends at once."""

from __future__ import annotations

import os
import subprocess
import sys

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from spawner.errors import LayerError
from spawner.namespaces import enter_namespaces
try:
    enter_namespaces({"nobody": 65534, "root_files": ["/dev/urandom"]}, b"")
except (LayerError, OSError) as error:
    print(error)
"""


def namespaces() -> str:
    """Why the spawner could not enter its namespaces, or an empty string."""
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, os.path.dirname(__file__)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the probe did not run: {error}"
    if done.returncode:
        return f"the probe failed: {done.stderr.strip()[-200:]}"
    return done.stdout.strip()

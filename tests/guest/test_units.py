"""Values, console and errors as modules of their own, without a worker: units/*_test.js."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import deno

HERE = Path(__file__).parent
OFFLINE = ["--no-check", "--no-config", "--no-remote", "--no-npm", "--no-lock", "--quiet"]


def test_values_console_and_errors_do_as_their_modules_say(tmp_path: Path) -> None:
    done = subprocess.run(
        [deno.find_deno_bin(), "test", *OFFLINE, "--reporter=dot", str(HERE / "units")],
        env={"PATH": os.defpath, "DENO_DIR": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 80

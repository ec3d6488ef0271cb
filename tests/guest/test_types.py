"""What crosses the files of the guest has types, and `deno check` looks at them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import deno

OFFLINE = ["--no-lock", "--no-remote", "--no-npm"]
GUEST = Path(__file__).parents[2] / "src/onehop/guest"

PLANTED = """\
import { emit } from "GUEST/console.js";
import { readStack } from "GUEST/errors.js";
import { setToken } from "GUEST/channel.js";
import { runToEnd } from "GUEST/ending.js";
import { quoteChunks } from "GUEST/values_quoted.js";
import { encodeValue } from "GUEST/values.js";
emit("loud", "text");
readStack("stack", "").text.length = "no";
setToken(5);
runToEnd({ code: "return 1" }, () => {});
encodeValue(1, "all");
quoteChunks([], 1);
emit("log", "text");
quoteChunks(encodeValue(1, 10).toChunks(), 10);
"""
WRONG = [7, 8, 9, 10, 11, 12]


def test_what_crosses_files_in_a_wrong_type_is_found(tmp_path: Path) -> None:
    file = tmp_path / "planted.js"
    file.write_text(PLANTED.replace("GUEST", GUEST.as_uri()))
    done = subprocess.run(
        [deno.find_deno_bin(), "check", *OFFLINE, "--config", str(GUEST / "deno.json"), str(file)],
        env={"PATH": os.defpath, "DENO_DIR": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = {int(line) for line in re.findall(r"planted\.js:(\d+):", done.stderr)}
    assert sorted(lines) == WRONG, done.stderr

"""A journal whose process was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from onehop.audit._journal import Journal
from tests.users import ROOT

WRITER = """
import sys
from pathlib import Path
from onehop.audit._journal import Journal
from tests.audit.test_journal import entry
journal = Journal(Path(sys.argv[1]))
journal.open()
for number in range(100_000):
    journal.start(str(number), entry(str(number), success=False))
    if number % 3:
        journal.finish(str(number), entry(str(number)))
    if number == 20:
        print("ready", flush=True)
"""


def test_a_killed_process_leaves_whole_entries(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        writer.send_signal(signal.SIGKILL)
    journal = Journal(tmp_path)
    journal.open()
    found = [waiting.entry.record for waiting in journal.waiting(1_000_000)]
    finished = {item.request_id for item in found if item and item.success}
    unfinished = {item.request_id for item in found if item and not item.success}
    assert len(found) == len(finished) + len(unfinished)
    assert finished >= {str(number) for number in range(20) if number % 3}
    assert unfinished >= {str(number) for number in range(20) if not number % 3}
    count = max(int(name) for name in finished | unfinished) + 1
    assert finished | unfinished == {str(number) for number in range(count)}

"""The check of the English finds what this house does not write, where people will read it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.users import ROOT

SLIPS = {
    "The text is no JSON.": "is not a",
    "A list of which the first counts.": "two sentences",
    "Return what shall be kept.": "must, or the present tense",
    "The old key is good no more.": "stops working",
    "The model is told why.": "hears, gets, or shows",
    "Whoever reads it may run code.": "anyone who",
    "It is done. Who asks again gets it.": "anyone who",
    "Code that would not be let run.": "may, or is rejected",
}
PLAIN = """\
The text is not JSON. There is no network here, and a run is no longer than its deadline.
Who may call? Anyone who has a key. The name `is no` stands in code.

```text
this is no prose
```
"""


def check(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/_prose.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the check says of a document and a module with one slip a line."""
    folder = tmp_path_factory.mktemp("prose")
    page = folder / "page.md"
    page.write_text("\n".join(SLIPS))
    module = folder / "module.py"
    module.write_text("\n".join(f"print({slip!r})" for slip in SLIPS))
    done = check(page, module)
    assert done.returncode == 1, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", range(1, len(SLIPS) + 1))
@pytest.mark.parametrize("file", ["page.md", "module.py"])
def test_a_planted_sentence_is_found_at_its_place_with_better_words(
    found: list[str], file: str, line: int
) -> None:
    better = list(SLIPS.values())[line - 1]
    assert any(f"{file}:{line}: " in slip and slip.endswith(f"write {better}") for slip in found)


def test_plain_english_and_code_pass(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PLAIN)
    done = check(page)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.thorough
def test_this_house_keeps_its_own_rules() -> None:
    done = check()
    assert done.returncode == 0, done.stdout

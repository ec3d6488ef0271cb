"""Files of tools: what they offer, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from onehop import ConfigError
from onehop.tools import load_tools, undecorated

pytestmark = pytest.mark.unit


def written(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "import os\n\nKEY = os.environ['NO_SUCH_KEY']\n",
            "(line 3: KEY = os.environ['NO_SUCH_KEY'])",
        ),
        ("import json\n\n\njson.loads('{')\n", "(line 4: json.loads('{'))"),
        ("def a():\n    return b()\n\n\na()\n", "(line 2: return b())"),
        ("x = 1\nthis is not Python\n", "line 2"),
        ("import nothing_of_that_name\n", "(line 1: import nothing_of_that_name)"),
    ],
)
def test_a_file_that_cannot_be_run_shows_its_line(folder: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match="it cannot be run") as caught:
        load_tools([written(folder, text)])
    assert words in str(caught.value)
    assert "mine.py" in str(caught.value)


def test_a_file_without_tools_says_what_makes_one(folder: Path) -> None:
    with pytest.raises(ConfigError, match="decorate functions with @onehop"):
        load_tools([written(folder, "x = 1")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


FORGOTTEN = """
from onehop import tool

@tool
def price() -> int:
    return 1

def boom() -> int:
    return 2

def plain() -> int:
    return 3

named = tool(plain)

def _helper() -> int:
    return 4
"""


def test_a_public_function_without_its_decorator_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, FORGOTTEN)
    load_tools([file])
    assert undecorated([file]) == {file: ["boom"]}


def test_a_file_that_says_what_it_offers_has_forgotten_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, FORGOTTEN + "\ntools = [price]\n")
    load_tools([file])
    assert undecorated([file]) == {}

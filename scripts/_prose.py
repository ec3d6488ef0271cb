"""Find what this house does not write: python scripts/_prose.py [FILE…]

Looks at documents, and at the docstrings and texts of src/. Prints each slip with its place and
what to write instead; exits with 1 if there is one.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
THIRD_PARTY = ("compiler/typescript", "swagger_ui", "uplot")
BE = r"\b(?:is|are|was|were|be)"
NOT_THERE = r"(?<!\b[Tt]here )(?<!there would )(?<!there may )"
RULES = {
    rf"{NOT_THERE}{BE} no\b(?! (?:longer|more than|less than|later than)\b)": "is not a",
    r"\bof (?:which|whom)\b": "two sentences",
    r"\bshall\b": "must, or the present tense",
    r"\bgood no more\b": "stops working",
    r"\bno more$|, no more\b": "only",
    rf"{BE} told\b": "hears, gets, or shows",
    r"\b(?:W|w)ho(?:so)?ever\b": "anyone who",
    r"(?:[a-z][.;!]\s+Who|\b(?:for|to|by|from|than|as)\s+who) (?![^.]*\?)": "anyone who",
    r"\b(?:be|is|are) let (?!go)\w+": "may, or is rejected",
    r"\b(?:not|be|is|are|have to be) said(?: to be)?\b": "say who says it, or name the state",
    r"\b(?:hence|thereof|whereof|upon which)\b": "so, or two sentences",
    r"\bof (?:nobody|anybody|somebody)'s\b|\b(?:nobody|anybody)'s\b": "no one's, or another word",
    r"\b(?:what|which) is to be\b": "what must be",
    r"\b(?:by|of) right\b": "name the reason",
    r"\bto have it\b|\bhas it as\b": "name the thing",
    r"\bgoes? for\b": "applies to",
    r"\bof (?:its|their|your|our) own kin\b|\band its kin\b|\band all its kin\b": "and similar",
}
_FOUND = {re.compile(pattern): better for pattern, better in RULES.items()}
_CODE = re.compile(
    r"^(`{3,}|~{3,}).*?^\1$|``.+?``|`[^`\n]+`|<!--.*?-->|\]\([^)]*\)|https?://\S+",
    re.DOTALL | re.MULTILINE,
)
_WORDY = re.compile(r"[a-z]+ [a-z]+ [a-z]+", re.IGNORECASE)


class Slip(NamedTuple):
    """One thing that reads badly."""

    file: str
    line: int
    text: str
    better: str


def main() -> int:
    """Look at the files that are named, or at all of them."""
    files = [Path(name).resolve() for name in sys.argv[1:]] or list(all_files())
    slips = [slip for file in files for slip in slips_of(file)]
    for slip in slips:
        print(f"{slip.file}:{slip.line}: {slip.text!r}: write {slip.better}")
    return 1 if slips else 0


def all_files() -> Iterator[Path]:
    """Documents and sources that this project wrote."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks/README.md"]
    sources = [*ROOT.glob("src/**/*.py"), *ROOT.glob("src/**/*.md"), *ROOT.glob("examples/**/*.py")]
    for file in [*documents, *sources]:
        vendored = any(part in str(file) for part in THIRD_PARTY)
        if file.name != "CHANGELOG.md" and not vendored:
            yield file


def slips_of(file: Path) -> Iterator[Slip]:
    """What reads badly in a file."""
    text = file.read_text("utf-8")
    parts = _texts(text) if file.suffix == ".py" else [(1, text)]
    shown = str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)
    for first, part in parts:
        prose = _CODE.sub(_blank, part)
        for pattern, better in _FOUND.items():
            for found in pattern.finditer(prose):
                line = first + prose.count("\n", 0, found.start())
                yield Slip(shown, line, " ".join(found[0].split()), better)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "x" if found[0].startswith("`") else " ", found[0])


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """The texts of a Python file that read like sentences, with the lines on which they start."""
    for node in ast.walk(ast.parse(source)):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and _WORDY.search(value):
            yield node.lineno, value


if __name__ == "__main__":
    sys.exit(main())

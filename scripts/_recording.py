"""Print an SVG of what a command prints.

python scripts/_recording.py scripts/demo --lines 32 > docs/_static/demo.svg

The picture asks no other host for a font, and it has a background of its own, so that it can be
read on light and on dark pages.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess

from rich.console import Console
from rich.text import Text

_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONT = "ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_STYLES = ((r"^\$ .*", "bold"), (r"^  \| .*", "cyan"), (r"^  (output|console|took|tools): ", "dim"))
_WIDTH = 90


def main() -> None:
    """Run the command and print the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", nargs="+")
    parser.add_argument("--lines", type=int, default=1000)
    options = parser.parse_args()
    done = subprocess.run(options.command, capture_output=True, encoding="utf-8", check=True)
    print(picture(f"$ {' '.join(options.command)}", done.stdout.splitlines(), options.lines))


def picture(command: str, output: list[str], most: int) -> str:
    """The first lines of ``output`` as a terminal would show them."""
    shown = [command, *output[:most], *(["…"] if len(output) > most else [])]
    text = Text("\n".join(shown))
    for pattern, style in _STYLES:
        text.highlight_regex(re.compile(pattern, re.MULTILINE), style)
    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    console.print(text)
    svg = console.export_svg(title="onehop", unique_id="demo")
    return _FONT_FACES.sub("", svg).replace("Fira Code, monospace", _FONT)


if __name__ == "__main__":
    main()

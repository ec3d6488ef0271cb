"""A search guided by coverage, with atheris: what no honest variation comes to.

python -m tests.fuzz.guided TARGET --seconds 60 [--corpus FOLDER]

Stops at the first input that is read otherwise than promised, leaves it as ``crash-…`` in the
folder of the corpus, and exits with what libFuzzer exits with then (77). Move such a file to
``tests/fuzz/found/TARGET/``: from then on it is a test.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Search until something is found or time is up."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["onehop"]):
        from tests.fuzz.seeds import seeds
        from tests.fuzz.targets import TARGETS
    target = TARGETS[options.target]
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="onehop-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()[options.target]):
        (corpus / f"seed-{number}").write_bytes(seed)
    flags = [f"-max_total_time={options.seconds}", f"-artifact_prefix={corpus}/", "-max_len=8192"]
    words = ["-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *flags, *words, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""The metrics of several processes as one text for Prometheus; pure.

Each sample gets the label ``process``, the number of its process: sums are Prometheus's to make.
"""

from __future__ import annotations

from collections.abc import Sequence


def merged(texts: Sequence[str]) -> str:
    """The texts of the processes, in their order, with each family once."""
    families: dict[str, tuple[list[str], list[str]]] = {}
    ends = False
    for process, text in enumerate(texts):
        about, samples, name = list[str](), list[str](), ""
        for line in text.splitlines():
            if line == "# EOF":
                ends = True
            elif line.startswith("#"):
                about, samples, name = _enter(families, line, name, about, samples)
            elif line:
                samples.append(_labelled(line, process))
    lines = [line for about, samples in families.values() for line in (*about, *samples)]
    return "\n".join([*lines, *(["# EOF"] if ends else [])]) + "\n"


def _enter(
    families: dict[str, tuple[list[str], list[str]]],
    line: str,
    name: str,
    about: list[str],
    samples: list[str],
) -> tuple[list[str], list[str], str]:
    """The family that ``line`` tells about, with what is known of it."""
    words = line.split(" ", 3)
    family = words[2] if len(words) > 2 else name
    if family != name:
        about, samples = families.setdefault(family, ([], []))
    if line not in about:
        about.append(line)
    return about, samples, family


def _labelled(sample: str, process: int) -> str:
    """``sample`` with one label more, which comes first."""
    brace, blank = sample.find("{"), sample.find(" ")
    label = f'process="{process}"'
    if 0 <= brace < blank:
        rest = sample[brace + 1 :]
        return f"{sample[:brace]}{{{label}{'' if rest.startswith('}') else ','}{rest}"
    return f"{sample[:blank]}{{{label}}}{sample[blank:]}"

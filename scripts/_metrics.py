"""Print docs/reference/metrics.md from the table of metrics, for scripts/docs."""

from __future__ import annotations

from typing import get_args

from onehop.telemetry._families import FAMILIES, KILLS, OUTCOMES, Family
from onehop.types import ToolOutcome

_PAGE = """\
# Metrics

Made by `scripts/docs` from `src/onehop/telemetry/_families.py`; do not edit.

`GET /metrics` of `onehop serve` gives these, and those of the process (`process_…`). Times are in
seconds, sizes in bytes. How to [read them and be alarmed](../how-to/metrics.md).

| metric | kind | labels | meaning |
| --- | --- | --- | --- |
{rows}
| `onehop_info` | gauge | `version` | Always 1. |

No label holds an agent's id, code, a tool's name or anything else that a caller chooses. Series are
bounded: `namespace` has the names that the operator gave, at most 100 of them, and `other` for the
rest; the others have the values below.

## `outcome` of an execution

| value | when |
| --- | --- |
{outcomes}

`language` is `javascript` or `typescript`, and `other` for a call that was refused before that was
known.

## `cause` of a kill

| value | what ended the worker |
| --- | --- |
{kills}

## `outcome` of a call of a tool

{tools}: as `outcome` in `toolCalls` of a [result](values.md).
"""


def main() -> None:
    """Print the page."""
    page = _PAGE.format(
        rows="\n".join(map(_row, FAMILIES)),
        outcomes="\n".join(f"| `{name}` | {told} |" for name, told in OUTCOMES.items()),
        kills="\n".join(f"| `{name}` | {told} |" for name, told in KILLS.items()),
        tools=", ".join(f"`{name}`" for name in get_args(ToolOutcome)),
    )
    print(page, end="")


def _row(family: Family) -> str:
    name = f"{family.name}_total" if family.kind == "counter" else family.name
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{name}` | {family.kind} | {labels} | {family.about} |"


if __name__ == "__main__":
    main()

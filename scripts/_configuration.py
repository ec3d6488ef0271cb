"""Print docs/configuration.md from the fields of SandboxConfig; scripts/docs puts it in place."""

from __future__ import annotations

import os
from typing import Any, get_args

_CORES = 1009
os.cpu_count = lambda: _CORES  # before the import: a default that is a multiple follows the machine

from onehop.config import Layer, SandboxConfig  # noqa: E402

_MIB = 1 << 20
_KINDS = {bool: "true, false", frozenset: "layers, see below", type(None): "a path"}
_PAGE = """\
# Configuration

Made by `scripts/docs` from `src/onehop/config.py`; do not edit.

Settings are arguments of `SandboxConfig`. What is not given there comes from the environment, then
from `onehop.toml`, then from the default. An unusable value raises `ConfigError`, which names the
setting.

{table}

The layers that `allow_degraded` may name: {layers}.
[SECURITY.md](../SECURITY.md) says what each is for.

**Environment.** Numbers and `true` or `false` as in JSON, layers separated by commas, a path as it
is: `ONEHOP_ALLOW_DEGRADED=landlock,uid`.

**File.** `onehop.toml` in the working folder, or the file that `ONEHOP_CONFIG` names. The keys are
the setting names; an unknown key is an error.

```toml
[sandbox]
timeout = 2000
memory_limit = 256
```

Whoever may write that file or the environment decides how code is confined: both are trusted.
"""


def main() -> None:
    """Print the page."""
    rows = [_row(name, field) for name, field in SandboxConfig.model_fields.items()]
    head = ["| setting | environment | default | allowed | meaning |", "| --- " * 5 + "|"]
    layers = ", ".join(f"`{layer}`" for layer in get_args(Layer))
    print(_PAGE.format(table="\n".join(head + rows), layers=layers), end="")


def _row(name: str, field: Any) -> str:
    env = field.json_schema_extra["env"]
    cells = f"`{name}`", f"`{env}`", _default(field.default), _allowed(field), field.description
    return f"| {' | '.join(cells)} |"


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, frozenset):
        return "none"
    if value is None:
        return "not set"
    times, rest = divmod(value, _CORES)
    return f"{times} per CPU core" if times and not rest else _number(value)


def _allowed(field: Any) -> str:
    bounds = {type(bound).__name__: bound for bound in field.metadata}
    low = getattr(bounds.get("Ge"), "ge", None)
    high = getattr(bounds.get("Le"), "le", None)
    if low is None:
        return _KINDS[type(field.default)]
    return f"{low} or more" if high is None else f"{low} to {_number(high)}"


def _number(value: float) -> str:
    whole, rest = divmod(value, _MIB)
    return f"{whole} MiB" if whole and not rest else f"{value:g}"


if __name__ == "__main__":
    main()

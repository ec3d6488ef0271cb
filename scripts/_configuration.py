"""Print docs/reference/configuration.md from the settings' fields, for scripts/docs."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from onehop import cores

_CORES = 1009
cores.usable_cores = lambda: _CORES  # before the import: some defaults follow the machine

from onehop.config import SECTIONS, Layer, Settings, env_name  # noqa: E402
from onehop.upstreams import OpenApiOptions, UpstreamOptions  # noqa: E402

_MIB = 1 << 20
_PAGE = """\
# Configuration

Made by `scripts/docs` from the classes in `src/onehop/config/`; do not edit.

Settings are arguments of a class for each part of onehop. A setting that is not given there comes
from the environment, then from `onehop.toml`, then from the default. An unusable value raises
`ConfigError`, which names the setting. `onehop config show` prints each setting with its value and
where that came from, `onehop config check` every problem, and `onehop config schema` a JSON Schema
for editors.

{sections}

## Upstream servers

MCP servers whose tools code may call. In the file: `[upstream.NAME]`, where NAME is the namespace;
in Python: the arguments of `McpUpstream`. [How to](../how-to/mcp-servers.md) give them to the code.

{upstreams}

With `openapi`, such a table is that of an OpenAPI document; in Python: the arguments of `OpenApi`.
[How to](../how-to/openapi.md) give its operations to the code.

{documents}

## The limits of a run

| what | setting | default | beyond it |
| --- | --- | --- | --- |
| deadline of a run that names none, ms | `timeout` | 5000 | killed, `timeout` |
| longest deadline that a call may ask for, ms | `timeout_max` | 30000 | refused |
| memory that a run may add, MB | `memory_limit` | 128 | killed or `RangeError`, `resource_limit` |
| CPU time, ms | `cpu_limit` | not set | twice the deadline; killed, `resource_limit` |
| output that comes back whole | `max_output` | 4 MiB | a preview, and `read_output` for pages |
| one output kept for pages | `max_kept_output` | 32 MiB | cut there, `complete` is false |
| kept outputs in all | `kept_outputs` | 128 MiB | the agent that keeps the most loses its oldest |
| console text | `max_logs` | 1 MiB | dropped, `logs_truncated` |
| console calls | `max_log_entries` | 10000 | dropped, `logs_truncated` |
| code | `max_code` | 2 MiB | refused |
| context, as JSON | `max_context` | 16 MiB | refused |
| JSON values in a context | `max_values` | 500000 | refused |
| workers kept warm | `pool_size` | 2 per CPU core | |
| runs at the same time | `max_concurrency` | 8 per CPU core | wait, in turn between agents |
| runs of one agent among them | | three quarters | wait, also while places are free for others |
| runs that wait | `max_queue` | 1000 | `Overloaded`, with how long to wait |

A core counts if the process may use it: `--cpus` of a container and `taskset` lower the number.

The layers that `allow_degraded` may name: {layers}.
[SECURITY.md](../../SECURITY.md) says what each is for.

**Environment.** Numbers and `true` or `false` as in JSON, names separated by commas
(`ONEHOP_ALLOW_DEGRADED=landlock,uid`), pairs as `name=value`
(`ONEHOP_VALIDATION_SEVERITY=eval=low`), other text as it is.

**File.** `onehop.toml` in the working folder, or the file that `ONEHOP_CONFIG` names. Each part has
its table, and the keys are the setting names; an unknown table or key is an error.

```toml
[sandbox]
timeout = 2000
memory_limit = 256

[audit]
store = "postgresql://onehop@db.example/onehop"
omit = ["context.customer.*"]
```

Anyone who may write that file or the environment decides how code is confined and what is kept of
it: both are trusted.
"""
_HEAD = ["| setting | environment | default | allowed | meaning |", "| --- " * 5 + "|"]


def main() -> None:
    """Print the page."""
    layers = ", ".join(f"`{layer}`" for layer in get_args(Layer))
    sections = "\n\n".join(map(_section, SECTIONS))
    print(
        _PAGE.format(
            sections=sections,
            layers=layers,
            upstreams=_options(UpstreamOptions),
            documents=_options(OpenApiOptions),
        ),
        end="",
    )


def _options(model: type[BaseModel]) -> str:
    """Those have no variables of the environment."""
    head = ["| option | default | allowed | meaning |", "| --- " * 4 + "|"]
    return "\n".join([*head, *map(_option, model.model_fields.items())])


def _option(option: tuple[str, Any]) -> str:
    name, field = option
    default = (
        "required"
        if field.is_required()
        else _default(field.get_default(call_default_factory=True))
    )
    cells = f"`{name}`", default, _allowed(field).replace("names", "text or list of texts")
    return f"| {' | '.join(cells)} | {field.description} |"


def _section(section: type[Settings]) -> str:
    rows = [_row(name, field) for name, field in section.model_fields.items()]
    title = f"## {section.__name__}\n\n{section.__doc__} In the file: `[{section.table}]`."
    return "\n".join([title, "", *_HEAD, *rows])


def _row(name: str, field: Any) -> str:
    cells = f"`{name}`", f"`{env_name(field)}`", _default(field.default), _allowed(field)
    return f"| {' | '.join(cells)} | {field.description} |"


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"`{value}`"
    if value is None:
        return "not set"
    if isinstance(value, frozenset | tuple | dict):
        return ", ".join(f"`{item}`" for item in value) or "none"
    times, rest = divmod(value, _CORES)
    return f"{times} per CPU core" if times and not rest else _number(value)


def _allowed(field: Any) -> str:
    bounds = {type(bound).__name__: bound for bound in field.metadata}
    low = getattr(bounds.get("Ge"), "ge", None)
    high = getattr(bounds.get("Le"), "le", None)
    if low is None:
        return _kind(field.annotation)
    return f"{low} or more" if high is None else f"{_number(low)} to {_number(high)}"


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return ", ".join(map(str, get_args(annotation)))
    if origin is dict:
        return "pairs"
    if origin is frozenset or origin is tuple:
        return "names"
    if any(isinstance(each, type) and issubclass(each, BaseModel) for each in get_args(annotation)):
        return "table"
    return "true, false" if annotation is bool else "text"


def _number(value: float) -> str:
    whole, rest = divmod(value, _MIB)
    return f"{whole} MiB" if whole and not rest else f"{value:.15g}"


if __name__ == "__main__":
    main()

"""Print deploy/grafana/onehop.json, a dashboard of Grafana, for scripts/docs."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, Final

_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_HERE: Final = 'job=~"$job",instance=~"$instance"'
_WIDTH, _HEIGHT = 8, 8
_COLUMNS: Final = 24 // _WIDTH

Query = tuple[str, str]
"""An expression, in which $here stands for what was chosen above, and its legend."""


def _quantiles(name: str, by: str = "") -> list[Query]:
    labels = f"le,{by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        (
            f"histogram_quantile({share}, sum by ({labels}) "
            f"(rate({name}_bucket{{$here}}[$__rate_interval])))",
            f"{legend}p{round(share * 100)}",
        )
        for share in (0.5, 0.95, 0.99)
    ]


def _rate(name: str, by: str) -> Query:
    return f"sum by ({by}) (rate({name}{{$here}}[$__rate_interval]))", f"{{{{{by}}}}}"


PANELS: Final[tuple[tuple[str, str, list[Query]], ...]] = (
    ("Runs a second, by outcome", "reqps", [_rate("onehop_executions_total", "outcome")]),
    ("Runs a second, by language", "reqps", [_rate("onehop_executions_total", "language")]),
    (
        "Share of runs that completed",
        "percentunit",
        [
            (
                'sum(rate(onehop_executions_total{$here,outcome="completed"}[$__rate_interval]))'
                " / sum(rate(onehop_executions_total{$here}[$__rate_interval]))",
                "completed",
            )
        ],
    ),
    ("From call to result", "s", _quantiles("onehop_execution_duration_seconds")),
    ("Waiting for a worker", "s", _quantiles("onehop_queue_duration_seconds")),
    ("Workers' work", "s", _quantiles("onehop_run_duration_seconds")),
    ("Validation", "s", _quantiles("onehop_validation_duration_seconds")),
    ("Workers", "short", [("sum by (state) (onehop_pool_workers{$here})", "{{state}}")]),
    (
        "Queue and runs in flight",
        "short",
        [
            ("sum(onehop_queue_length{$here})", "waiting"),
            ("sum(onehop_executions_in_flight{$here})", "in flight"),
        ],
    ),
    ("Runs a second, by isolation layer", "ops", [_rate("onehop_run_layers_total", "layer")]),
    ("Kills a second, by cause", "ops", [_rate("onehop_kills_total", "cause")]),
    ("Starts of workers a second", "ops", [_rate("onehop_worker_starts_total", "outcome")]),
    ("Findings a second, by severity", "ops", [_rate("onehop_findings_total", "severity")]),
    ("Memory of runs", "bytes", _quantiles("onehop_run_memory_bytes")),
    (
        "CPU of runs and of the server",
        "short",
        [
            ("sum(rate(onehop_run_cpu_seconds_total{$here}[$__rate_interval]))", "runs"),
            ("sum(rate(process_cpu_seconds_total{$here}[$__rate_interval]))", "server"),
        ],
    ),
    (
        "Memory of the server",
        "bytes",
        [("process_resident_memory_bytes{$here}", "{{instance}}")],
    ),
    ("Calls of tools a second", "ops", [_rate("onehop_tool_calls_total", "outcome")]),
    (
        "Calls of tools, p95 by namespace",
        "s",
        [_quantiles("onehop_tool_duration_seconds", "namespace")[1]],
    ),
    ("Calls that wait for a person", "short", [("max(onehop_approvals_waiting{$here})", "calls")]),
    (
        "Servers of tools",
        "short",
        [("min by (namespace) (onehop_upstream_up{$here})", "{{namespace}}")],
    ),
    (
        "Model turns and tokens avoided a second",
        "short",
        [
            ("sum(rate(onehop_avoided_turns_total{$here}[$__rate_interval]))", "turns"),
            ("sum(rate(onehop_avoided_tokens_total{$here}[$__rate_interval]))", "tokens"),
        ],
    ),
    (
        "Writing records, p95",
        "s",
        [_quantiles("onehop_store_duration_seconds", "operation")[1]],
    ),
    (
        "Records that wait for the database",
        "short",
        [
            ("sum(onehop_journal_entries{$here})", "waiting"),
            ("sum(onehop_journal_set_aside{$here})", "set aside"),
        ],
    ),
)
"""Title, Grafana's unit, and what is drawn."""


def main() -> None:
    """Print it."""
    print(json.dumps(dashboard(), indent=2))


def dashboard() -> dict[str, Any]:
    """As Grafana imports it."""
    numbers = count(1)
    return {
        "title": "onehop",
        "uid": "onehop",
        "tags": ["onehop"],
        "description": "Runs of code, the sandbox's workers, tools and records.",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _choice("job", ""), _choice("instance", 'job=~"$job"')]},
        "panels": [_panel(next(numbers), place, *panel) for place, panel in enumerate(PANELS)],
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _choice(name: str, within: str) -> dict[str, Any]:
    query = f"label_values(onehop_info{{{within}}}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, place: int, title: str, unit: str, queries: list[Query]) -> dict[str, Any]:
    row, column = divmod(place, _COLUMNS)
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expression.replace("$here", _HERE),
                "legendFormat": legend,
            }
            for index, (expression, legend) in enumerate(queries)
        ],
    }


if __name__ == "__main__":
    main()

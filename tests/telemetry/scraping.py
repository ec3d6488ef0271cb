"""A real Prometheus, and the text that it reads."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import until

PATIENCE = 30.0
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def program(name: str) -> str:
    """Where it is; skips the test where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: scripts/setup-tests does it")
    return found


def samples(text: str) -> Samples:
    """Each value by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """One of them; 0 where there is none."""
    return found.get((name, frozenset(labels.items())), 0.0)


class Prometheus:
    """Reads one server each second, with a key in a file, and our alerts."""

    def __init__(self, folder: Path, target: str, key: str, rules: Path) -> None:
        self._folder = folder
        self._program = program("prometheus")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        (folder / "key").write_text(key)
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n"
            f"rule_files: ['{rules}']\n"
            f"scrape_configs:\n"
            f"  - job_name: onehop\n"
            f"    authorization: {{credentials_file: key}}\n"
            f"    static_configs: [{{targets: ['{target}']}}]\n"
        )

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=log,
            )
        self._client = httpx2.Client(
            base_url=f"http://127.0.0.1:{self._port}/api/v1", timeout=PATIENCE
        )
        until(self._answers, "Prometheus")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What it gives now."""
        answer = self._client.get("/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def value(self, expression: str) -> float | None:
        """Of the only series."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def get(self, address: str) -> Any:
        """From its API."""
        return self._client.get(address).json()["data"]

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            return self._client.get("/status/config").status_code == 200
        except httpx2.TransportError:
            return False

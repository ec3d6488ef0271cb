"""The API of these tests in a process of its own, and documents that speak of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onehop import OpenApi
from onehop.tools import Catalogue, Tools
from tests.waiting import until


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def api_server() -> Iterator[str]:
    """It runs, and this is its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.openapi.api", str(port)]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: _is_there(port), "the API")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _is_there(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One with these paths."""
    info = {"title": "T", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "paths": paths, **more}


def written(folder: Path, data: dict[str, Any]) -> str:
    """The path of a file with it."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(data))
    return str(file)


async def opened(source: str, **options: Any) -> tuple[OpenApi, Catalogue]:
    """Its tools, in the namespace ``api``."""
    provider = OpenApi(source, **options)
    await provider.open("api")
    return provider, Catalogue.of(Tools(api=provider))


async def schema_of(folder: Path, operation: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The schema of the arguments of one operation, POST /x."""
    data = document({"/x": {"post": {"operationId": "x", **operation}}}, **more)
    provider, catalogue = await opened(written(folder, data), base_url="https://api.test")
    try:
        assert list(catalogue.bound) == ["api.x"], catalogue.skipped
        return catalogue.bound["api.x"].input_schema
    finally:
        await provider.aclose()


async def skipped(folder: Path, paths: dict[str, Any], **more: Any) -> dict[str, str]:
    """What is skipped of a document, and why."""
    source = written(folder, document(paths, **more))
    provider, catalogue = await opened(source, base_url="https://api.test")
    await provider.aclose()
    return dict(catalogue.skipped)

"""Sends spans by OTLP, as the settings and OpenTelemetry's own variables say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from onehop._extras import needed_for
from onehop._version import onehop_version
from onehop.config import TelemetryConfig
from onehop.errors import ConfigError
from onehop.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_FAREWELL: Final = 5.0
"""Seconds that spans have which wait at the end."""


@asynccontextmanager
async def open_tracing(config: TelemetryConfig) -> AsyncIterator[Tracing]:
    """A watcher whose spans are sent in the background. Nothing global is set. What cannot be sent
    is dropped and logged; no run waits for it. Raises MissingExtraError and ConfigError."""
    with needed_for("traces"):
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _exporter(config)
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Tracing(provider, content=config.trace_content)
    finally:
        await _close(provider, exporter)


def _exporter(config: TelemetryConfig) -> Any:
    try:
        if config.traces == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
                OTLPSpanExporter as Grpc,
            )

            return Grpc()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

        return Http()
    except (ValueError, OSError) as error:
        raise ConfigError("traces", f"spans cannot be sent: {error}") from None


def _resource() -> Any:
    """What the spans come from; the variables of OpenTelemetry know better."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = Resource.create({"service.name": "onehop", "service.version": onehop_version()})
    return ours.merge(OTELResourceDetector().detect())


async def _close(provider: TracerProvider, exporter: Any) -> None:
    """Send what waits, for a while. Nothing joins the thread: if it hangs, the end goes on."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def work() -> None:
        provider.shutdown()
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=work, name="onehop.traces", daemon=True).start()
    try:
        async with asyncio.timeout(_FAREWELL):
            await over.wait()
    except TimeoutError:
        exporter.shutdown()  # it stops to try again

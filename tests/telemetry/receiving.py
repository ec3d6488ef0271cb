"""Receivers of OTLP over HTTP and gRPC, made from the protocol's own definitions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from tests.waiting import until


class Span:
    """One that came in."""

    def __init__(self, resource: Any, span: Any) -> None:
        self.resource = _attributes(resource.attributes)
        self.name: str = span.name
        self.trace: str = span.trace_id.hex()
        self.id: str = span.span_id.hex()
        self.parent: str = span.parent_span_id.hex()
        self.kind: int = span.kind
        self.attributes = _attributes(span.attributes)
        self.is_error = span.status.code == 2
        self.links = [link.trace_id.hex() for link in span.links]
        self.began: int = span.start_time_unix_nano
        self.ended: int = span.end_time_unix_nano


class Received:
    """All that came in, from any thread."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.text = b""
        self._lock = threading.Lock()

    def take(self, request: Any) -> None:
        found = [
            Span(each.resource, span)
            for each in request.resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.spans += found
            self.text += request.SerializeToString()

    def of(self, trace: str) -> dict[str, Span]:
        """The spans of one trace by name; the last one of each."""
        return {span.name: span for span in list(self.spans) if span.trace == trace}

    def wait(self, trace: str, *names: str) -> dict[str, Span]:
        """Those of a trace, once there are all these."""
        until(lambda: set(names) <= self.of(trace).keys(), f"{names} in {self.of(trace).keys()}")
        return self.of(trace)


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def over_http() -> Iterator[tuple[Received, str]]:
    """A receiver, and its address."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            received.take(ExportTraceServiceRequest.FromString(_plain(self.headers, body)))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield received, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _plain(headers: Any, body: bytes) -> bytes:
    if headers.get("Content-Encoding") == "gzip":
        import gzip

        return gzip.decompress(body)
    return body


@contextmanager
def over_grpc() -> Iterator[tuple[Received, str]]:
    """A receiver, and its address."""
    received = Received()

    class Service(TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
            received.take(request)
            return ExportTraceServiceResponse()

    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        add_to: Any = add_TraceServiceServicer_to_server  # it has no types
        add_to(Service(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield received, f"http://127.0.0.1:{port}"
        finally:
            server.stop(0).wait()

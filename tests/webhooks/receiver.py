"""A real HTTP receiver, which answers as a test wants."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Inbox:
    """What came: headers and body. ``statuses`` are answered in turn, the last one from then on."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self._statuses = list(statuses) or [204]
        self._headers = headers or {}
        self._lock = threading.Lock()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = inbox._take({k.lower(): v for k, v in self.headers.items()}, body)
                self.send_response(status)
                for name, value in inbox._headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def _take(self, headers: dict[str, str], body: bytes) -> int:
        with self._lock:
            self.got.append((headers, body))
            return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

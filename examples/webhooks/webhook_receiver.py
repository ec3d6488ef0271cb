"""A receiver of the webhook for approvals, with Python's own library: it verifies what comes.

Start it with the secret of `onehop serve` in ONEHOP_WEBHOOK_SECRET.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST = 1 << 20
TOLERANCE = 300
"""Seconds that a message may be old: an older one may be a copy that somebody sends again."""


def verified(secret: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The message. Raises PermissionError if it is not from onehop, or is too old."""
    name, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdigit() or abs(time.time() - int(sent)) > TOLERANCE:
        raise PermissionError("the message is too old, or has no time")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{sent}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(one.encode(), expected.encode()) for one in given):
        raise PermissionError("the signature is wrong")
    message: dict[str, Any] = json.loads(body)
    return message


class Receiver(BaseHTTPRequestHandler):
    """Prints the line of each message. `webhook-id` is the same when one is sent again."""

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST))
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = verified(os.environ["ONEHOP_WEBHOOK_SECRET"], headers, body)
        except PermissionError as error:
            self.send_error(401, str(error))
            return
        print(message["text"], flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Nothing else is printed."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Receiver).serve_forever()

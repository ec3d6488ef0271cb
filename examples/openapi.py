"""The code calls an API that an OpenAPI document describes: no server in between.

The API here is a small one of this program; yours has a URL. python examples/openapi.py
"""

import asyncio
import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from onehop import OpenApi, Sandbox, Tools

STOCK = {"chair": 4, "table": 0, "lamp": 11}

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/stock": {"get": {"operationId": "list_stock", "summary": "List what is sold"}},
        "/stock/{item}": {
            "get": {
                "operationId": "get_stock",
                "summary": "Say how many of an item are left",
                "parameters": [
                    {"name": "item", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
            }
        },
    },
}

CODE = """
const items = await tools.shop.list_stock();
const left = await Promise.all(items.map((item) => tools.shop.get_stock({ item })));
return left.filter(({ count }) => count < 5);
"""


class Shop(BaseHTTPRequestHandler):
    """The API."""

    def do_GET(self) -> None:
        item = self.path.removeprefix("/stock").strip("/")
        answer: Any = {"item": item, "count": STOCK.get(item)} if item else list(STOCK)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


async def ask(file: Path, base_url: str) -> Any:
    """What the code returns, with the API at ``base_url``."""
    shop = OpenApi(str(file), base_url=base_url, private=True)  # it is on this machine
    async with Sandbox(tools=Tools(shop=shop)) as sandbox:
        return (await sandbox.execute(CODE)).output


with (
    tempfile.TemporaryDirectory() as folder,
    ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server,
):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    document = Path(folder, "shop.json")
    document.write_text(json.dumps(DOCUMENT))
    print(asyncio.run(ask(document, f"http://127.0.0.1:{server.server_port}")))
    server.shutdown()

"""An API for these tests: a real server, with its own document, and what a bad one does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from fastapi.security import APIKeyCookie, APIKeyHeader, APIKeyQuery, HTTPBasic, HTTPBearer
from pydantic import BaseModel

app = FastAPI(title="Shop", version="1")


class Item(BaseModel):
    """What is sold."""

    name: str
    price: float
    note: str | None = None


@app.get("/items/{item_id}", operation_id="get_item", summary="Get an item")
async def get_item(item_id: str, q: str | None = None) -> dict[str, Any]:
    return {"id": item_id, "q": q}


@app.put("/items/{item_id}", operation_id="put_item")
async def put_item(item_id: int, item: Item, name: str | None = None) -> dict[str, Any]:
    return {"id": item_id, "query": name, "item": item.model_dump()}


@app.delete("/items/{item_id}", operation_id="delete_item", status_code=204)
async def delete_item(item_id: int) -> None:
    return None


@app.post("/batch", operation_id="batch")
async def batch(items: list[Item]) -> int:
    return len(items)


@app.post("/form", operation_id="form")
async def form(a: Annotated[str, Form()], b: Annotated[list[int], Form()]) -> dict[str, Any]:
    return {"a": a, "b": b}


@app.post("/upload", operation_id="upload")
async def upload(
    photo: Annotated[UploadFile, File()], title: Annotated[str, Form()]
) -> dict[str, Any]:
    data = await photo.read()
    return {
        "name": photo.filename, "type": photo.content_type, "bytes": list(data), "title": title
    }  # fmt: skip


@app.get("/echo/{path:path}", include_in_schema=False)
@app.post("/echo/{path:path}", include_in_schema=False)
async def echo(request: Request) -> dict[str, Any]:
    """What came, as it came."""
    raw = request.scope["raw_path"].decode()
    return {
        "path": raw,
        "query": request.scope["query_string"].decode(),
        "headers": dict(request.headers),
        "cookies": request.headers.get("cookie"),
        "body": (await request.body()).decode("utf-8", "replace"),
        "method": request.method,
    }


@app.get("/picture", operation_id="picture")
async def picture() -> Response:
    disposition = 'attachment; filename="../a b.png"'
    return Response(
        b"\x89PNG", media_type="image/png", headers={"content-disposition": disposition}
    )


@app.get("/text", operation_id="text")
async def text() -> PlainTextResponse:
    return PlainTextResponse("grüezi")


@app.get("/list", operation_id="list")
async def list_() -> JSONResponse:
    return JSONResponse([1, 2], headers={"x-total": "2", "set-cookie": "session=abc; Path=/"})


@app.head("/head", operation_id="head")
async def head() -> Response:
    return Response(headers={"etag": '"7"'})


@app.get("/cookies", operation_id="cookies")
async def cookies(request: Request) -> str | None:
    return request.headers.get("cookie")


@app.get("/status/{status}", operation_id="status")
@app.post("/status/{status}", operation_id="post_status")
async def status(status: int, wait: str | None = None) -> Response:
    headers = {"retry-after": wait} if wait else {}
    return JSONResponse({"detail": f"it is {status}"}, status, headers)


@app.get("/redirect", operation_id="redirect")
@app.post("/redirect", operation_id="post_redirect")
async def redirect(to: str, status: int = 302) -> Response:
    return RedirectResponse(to, status)


@app.get("/large", operation_id="large")
async def large() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b'"' + b"x" * 65536
            await asyncio.sleep(0.001)

    return StreamingResponse(chunks(), media_type="application/json")


@app.get("/loop", operation_id="loop")
async def loop() -> Response:
    return RedirectResponse("/loop")


@app.get("/values", operation_id="values")
async def values() -> Response:
    return Response(b"[" + b"[]," * 1_000_000 + b"1]", media_type="application/json")


@app.get("/garbage", operation_id="garbage")
async def garbage() -> Response:
    return Response(b'{"a": NaN, ]', media_type="application/json")


@app.get("/deep", operation_id="deep")
async def deep() -> Response:
    return Response(b"[" * 300 + b"]" * 300, media_type="application/json")


@app.get("/packed", operation_id="packed")
async def packed() -> Response:
    return Response(b"x", media_type="text/plain", headers={"content-encoding": "gzip"})


@app.get("/slow", operation_id="slow")
@app.post("/slow", operation_id="post_slow")
async def slow(ms: int) -> int:
    await asyncio.sleep(ms / 1000)
    return ms


def _guarded(path: str, scheme: Any) -> None:
    """What arrived as the credential comes back: in the value, in a header."""

    @app.get(f"/guarded/{path}", operation_id=f"guarded_{path}")
    async def guarded(request: Request, given: Any = Depends(scheme)) -> Response:  # noqa: B008
        everything = f"{request.url} {dict(request.headers)}"
        return JSONResponse({"came": everything}, headers={"x-came": everything})


for _name, _scheme in {
    "header": APIKeyHeader(name="X-Key", scheme_name="header"),
    "query": APIKeyQuery(name="key", scheme_name="query"),
    "cookie": APIKeyCookie(name="key", scheme_name="cookie"),
    "bearer": HTTPBearer(scheme_name="bearer"),
    "basic": HTTPBasic(scheme_name="basic"),
}.items():
    _guarded(_name, _scheme)


@app.get("/fail", operation_id="fail")
async def fail(request: Request) -> None:
    raise HTTPException(409, detail=f"you sent {dict(request.headers)}")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")

"""What is given up when the client that waits for it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from onehop.server._errors import ClientLeftError
from onehop.server.asgi._scope import Receive


@asynccontextmanager
async def while_there(receive: Receive) -> AsyncGenerator[None, None]:
    """Cancels what is done within when the client leaves, and raises ClientLeftError.

    ``receive`` is the request's, whose body was received already.
    """
    doing = asyncio.current_task()
    assert doing is not None  # noqa: S101 - a coroutine runs in a task
    over: set[asyncio.Task[None]] = set()
    leaving = asyncio.get_running_loop().create_task(_left(receive))
    leaving.add_done_callback(lambda task: None if task in over else doing.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if not leaving.done():  # it is the server that stops
            raise
        doing.uncancel()
        raise ClientLeftError from None
    finally:
        over.add(leaving)  # it may have ended in this very turn of the loop
        leaving.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

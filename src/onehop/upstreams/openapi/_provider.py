"""``OpenApi``: the operations of an OpenAPI document as a namespace."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from onehop._extras import needed_for
from onehop.errors import ConfigError, UpstreamUnavailableError
from onehop.tools import Tool
from onehop.upstreams.openapi._faults import DocumentError
from onehop.upstreams.openapi._options import read_openapi_options

if TYPE_CHECKING:
    from onehop.upstreams.openapi._calling import Api

_log = logging.getLogger(__name__)
_SILENCE: Final = 5.0
"""Seconds after which the log says what is waited for."""
_PATIENCE: Final = 10.0
"""Seconds that the start of others waits for a document which is not required."""
_FIRST: Final = 1.0
_LONGEST: Final = 300.0
"""Seconds between attempts to get a document: twice as many after each."""


class OperationTool(Tool):
    """An operation. Its time begins when the API is asked, not while it waits for its turn."""

    starts_itself: ClassVar[bool] = True
    has_http: ClassVar[bool] = True


class OpenApi:
    """The operations of an OpenAPI document: ``Tools(crm=OpenApi("crm.yaml"))``.

    ``openapi`` is the path or the URL of a document of version 3.0 or 3.1, in JSON or YAML. The
    other options are those of a table ``[upstream.NAME]`` with ``openapi``. A call gives the body
    of the answer, with ``$http`` (``status``, ``headers``) where it is an object or a list.

    Raises ConfigError for options that cannot be used, and MissingExtraError without what is
    needed.
    """

    def __init__(self, openapi: str, **options: Any) -> None:
        self._name = "upstream"
        self.options = read_openapi_options({"openapi": openapi, **options})
        self.on_change: Callable[[], None] | None = None
        """Called when the tools are others."""
        self._tools: tuple[Tool, ...] = ()
        self._api: Api | None = None
        self._is_open = False
        self._reason = "it has not been read yet"
        self._since = time.time()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        _require_parts()

    @classmethod
    def of(cls, options: Mapping[str, Any], place: str) -> Self:
        """As the constructor, from settings; ``place`` is where a message says that they are."""
        read_openapi_options(options, place)
        return cls(**options)

    def __repr__(self) -> str:
        return f"OpenApi({len(self._tools)} tools)"

    async def open(self, namespace: str) -> None:
        """Read the document. One at a URL that does not come is asked for again in the background.
        Raises ConfigError for a file that cannot be used, and UpstreamUnavailableError if the
        document is required and does not come."""
        if self._is_open:
            raise ConfigError(f"tools.{namespace}", "this document is open already, as another's")
        self._name, self._is_open, self._since = namespace, True, time.time()
        try:
            if self.options.url is None:
                await self._open_file()
            else:
                await self._open_url()
        except BaseException:
            await self.aclose()
            raise

    async def _open_file(self) -> None:
        try:
            await self._load()
        except DocumentError as error:
            raise ConfigError(f"upstream.{self._name}.openapi", str(error)) from None

    async def _open_url(self) -> None:
        self._task = asyncio.create_task(self._keep_trying(), name="onehop openapi")
        is_required = self.options.required
        seconds = self.options.connect_timeout / 1000 + 1 if is_required else _PATIENCE
        await self._wait(min(seconds, _SILENCE))
        if not self._tried.is_set() and not self._task.done():
            _log.warning("upstream %s: waiting for its document", self._name)
            await self._wait(seconds - _SILENCE)
        if self._task.done() and (error := self._task.exception()):
            raise error
        if is_required and self._api is None:
            raise UpstreamUnavailableError(self._name, self._reason)

    async def _wait(self, seconds: float) -> None:
        """Until the first attempt is over, or has failed for good."""
        assert self._task is not None  # noqa: S101 - for mypy
        first = asyncio.create_task(self._tried.wait())
        await asyncio.wait(
            [first, self._task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        first.cancel()

    @property
    def fault(self) -> str | None:
        """Why its tools are not known; None if they are."""
        if self._api is not None:
            return None
        since = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(self._since))
        return f"its document is not there: {self._reason} (since {since})"

    @property
    def skipped(self) -> Mapping[str, str]:
        """Operations that are not tools, with the reason."""
        return {} if self._api is None else self._api.skipped

    def tools(self) -> Sequence[Tool]:
        """The operations."""
        return self._tools

    async def aclose(self) -> None:
        """End its connections."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        api, self._api = self._api, None
        self._is_open = False
        if api is not None:
            await api.aclose()

    async def _keep_trying(self) -> None:
        pause = _FIRST
        while True:
            try:
                await self._load()
            except DocumentError as error:
                level = logging.INFO if self._reason == str(error) else logging.WARNING
                self._reason = str(error)
            else:
                self._tried.set()
                return
            self._tried.set()
            words = "upstream %s: %s; next attempt in %.0f s"
            _log.log(level, words, self._name, self._reason, pause)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
            pause = min(2 * pause, _LONGEST)

    async def _load(self) -> None:
        """Raises DocumentError, and ConfigError for settings that do not fit the document."""
        from onehop.upstreams.openapi._calling import open_api

        api = await open_api(self.options, f"upstream.{self._name}", os.environ)
        self._tools = tuple(
            OperationTool(
                one.name,
                api.make_call(one),
                one.description,
                one.input_schema,
                one.output_schema,
                one.effect,
                is_hint=one.is_hint,
            )
            for one in api.operations
        )
        self._api = api
        if api.skipped:
            _log.info("upstream %s: %d skipped", self._name, len(api.skipped))
        if self.on_change is not None:
            self.on_change()


def _require_parts() -> None:
    """Raises MissingExtraError."""
    with needed_for("OpenAPI documents"):
        for name in ("httpx2", "jsonschema", "anyio"):
            if find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

"""Keeps secrets out of what the SDK and its HTTP client log: addresses, and what did not parse."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from onehop.upstreams._secrets import Mask

_LOGGERS: Final = (
    "httpx2",
    "httpcore2.connection",
    "httpcore2.http11",
    "mcp.client.client",
    "mcp.client.session",
    "mcp.client.streamable_http",
    "mcp.shared.jsonrpc_dispatcher",
)
"""A filter sees what is logged by this very logger, and nothing of those below it."""


@contextmanager
def masked_logs(mask: Mask) -> Iterator[None]:
    """Mask secrets in what these loggers say, while a connection is open."""
    if not mask:
        yield
        return
    masking = _Masking(mask)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(masking)
    try:
        yield
    finally:
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(masking)


class _Masking(logging.Filter):
    """Lets every record pass, masked."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def filter(self, record: logging.LogRecord) -> bool:
        """Write the record out, since any of its arguments may hold a secret."""
        record.msg, record.args = self._mask.text(record.getMessage()), ()
        if record.exc_info:
            words = logging.Formatter().formatException(record.exc_info)
            record.exc_info, record.exc_text = None, self._mask.text(words)
        return True

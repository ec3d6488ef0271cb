"""The server's log: one line for each thing that happened, on standard error."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, Final, Literal

from onehop.audit.redaction import mask_tokens

Format = Literal["text", "json"]

_OURS: Final = "onehop"


def configure(form: Format) -> None:
    """Write the log of this process in ``form``: what onehop does, and what others warn of."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_OURS).setLevel(logging.INFO)


class JsonLines(logging.Formatter):
    """An object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask_tokens(record.getMessage()),
            **_facts(record),
        }
        if record.exc_info:
            line["exception"] = mask_tokens(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """A line for people; only a traceback takes more."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        words = [_time(record), record.levelname, _plain(mask_tokens(record.getMessage()))]
        words += [f"{name}={_plain(value)}" for name, value in _facts(record).items()]
        line = " ".join(words)
        if record.exc_info:
            line += f"\n{mask_tokens(self.formatException(record.exc_info))}"
        return line


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = getattr(record, "facts", {})
    return {name: _masked(value) for name, value in facts.items() if value is not None}


def _masked(value: Any) -> Any:
    """What a caller chose, such as an address, may have a key in it."""
    return mask_tokens(value) if isinstance(value, str) else value


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _plain(value: Any) -> str:
    """Text that stays on its line and does not steer a terminal."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)

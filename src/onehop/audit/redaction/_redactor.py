"""What of a run may be written down."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from onehop.audit.redaction._named import USUAL, NamedValues
from onehop.audit.redaction._names import Names
from onehop.audit.redaction._recurring import Recurring
from onehop.audit.redaction._tokens import LINE_BREAK, mask_partial, mask_tokens
from onehop.audit.redaction._walk import MARGIN, Copy, collect
from onehop.config import AuditConfig
from onehop.events import Event, ExecutionFailed, ExecutionProgress, SecurityIssue
from onehop.records import INTERRUPTED, SNIPPET_LENGTH, ExecutionRecord

_ARGUMENTS: Final = "toolArguments"
_SOURCES: Final = {
    "logTimes": frozenset({"logs"}),
    "logLevels": frozenset({"logs"}),
    _ARGUMENTS: frozenset({"context", "output"}),
    "ran": frozenset({"code"}),
}
"""Details that are kept only with the fields that they come from: what a tool gets is made of the
context and of the answers of other tools."""
_TRUNCATED: Final = "$truncated"
_MAX_SEARCHED: Final = 1_000_000
"""Fields of a context or output that are searched for masked ones."""
_MAX_DETAILS: Final = 4 * 1024 * 1024
_SHORTEST: Final = 5
"""Characters; a shorter text holds neither a name with its value nor a secret of known form."""
_NO_NAMES: Final = Names(())
_OURS: Final = frozenset(
    "type kind field pattern severity issueType enforcement logLevels logTimes shape risk "
    "persistedOutputId line column redacted outcome effect argumentsHash formula "
    "toolSchemas snippets".split()
)
"""Details in words of our own, which a guest's value may happen to equal."""
_OUR_WORDS: Final = frozenset({INTERRUPTED, f"Interrupted: {INTERRUPTED}"})
"""Of each run that starts: not searched each time."""
_WORDS: Final[dict[type[Event], str]] = {
    ExecutionFailed: "error",
    ExecutionProgress: "message",
    SecurityIssue: "description",
}
"""The field of an event that has words of the code in it."""
_CODE: Final = frozenset({"excerpt", "corrections", "findings", "ran"})


class Secrets:
    """Values that are masked wherever they stand in the record and events of a run."""

    def __init__(self, values: frozenset[str] = frozenset(), complete: bool = True) -> None:
        self.values = values
        self.complete = complete
        """Whether everything was searched for them."""
        self.recurring = Recurring(values)


_NONE: Final = Secrets()


def is_preview(kept: Any) -> bool:
    """Whether this stands in a record for an output or a context that was too large."""
    return isinstance(kept, dict) and set(kept) == {_TRUNCATED, "preview"}


class Redactor:
    """Masks and leaves out what ``config`` says, from records and events.

    What a masked field of a record holds is masked in the whole record, and in the events of the
    same run that are redacted right after it.
    """

    def __init__(self, config: AuditConfig) -> None:
        self._config = config
        self._mask = Names(config.mask)
        self._omit = Names(config.omit)
        self._hidden = Names((*config.mask, *config.omit))
        usual = USUAL if config.mask_secrets else ()
        self._named = NamedValues(Names((*config.mask, *config.omit, *usual)))
        self._latest = (("", ""), Secrets())

    def secrets(self, context: Any) -> Secrets:
        """What the masked fields of a run's context hold."""
        values, complete = collect(context, "context", self._hidden, _MAX_SEARCHED)
        return Secrets(frozenset(values), complete) if values or not complete else _NONE

    def record(self, record: ExecutionRecord, known: Secrets | None = None) -> ExecutionRecord:
        """The record as it may be kept. ``known``: the secrets of its context, if they are known
        already."""
        secrets = known or self.secrets(record.context_data)
        secrets = self._with(secrets, "output", record.output)
        secrets = self._with(secrets, _ARGUMENTS, record.details.get(_ARGUMENTS))
        self._latest = ((record.agent_id, record.request_id), secrets)
        recurring, complete = secrets.recurring, secrets.complete
        one = _One(self, recurring)
        left_out = self._left_out(complete)
        logs = [] if "logs" in left_out else one.logs(record.logs)
        cut = record.details.get("outputTruncated") is True
        return record.model_copy(
            update={
                "output": None if "output" in left_out else one.field("output", record.output, cut),
                "logs": logs,
                "context_data": None
                if "context" in left_out
                else one.field("context", record.context_data),
                "error": record.error and one.cut_text(record.error),
                "code_snippet": one.snippet(record.code_snippet),
                "description": record.description and one.description(record.description),
                "details": one.details(record.details, len(logs), left_out),
            }
        )

    def unfinished(
        self, code: str, details: dict[str, Any], context: Any
    ) -> tuple[str, dict[str, Any]]:
        """Code and details of a run that has no record yet, as they may be shown."""
        secrets = self.secrets(context)
        left_out = self._left_out(secrets.complete)
        one = _One(self, secrets.recurring)
        return "" if "code" in left_out else one.code(code), one.details(details, 0, left_out)

    def arguments(self, arguments: Any, known: Secrets) -> Any:
        """The arguments of a call as they may be shown."""
        found = self._with(known, _ARGUMENTS, arguments)
        return _One(self, found.recurring).field(_ARGUMENTS, arguments)

    def event(self, event: Event, known: Secrets | None = None) -> Event:
        """The event as it may be sent and kept. ``known``: the secrets of its run; otherwise those
        of the record that was redacted last, if it is of the same run."""
        field = _WORDS.get(type(event))
        if field is None:
            return event
        name, latest = self._latest
        mine = latest if name == (event.agent_id, event.request_id) else _NONE
        one = _One(self, (known or mine).recurring)
        mask = one.code if isinstance(event, SecurityIssue) else one.cut_text
        words: dict[str, Any] = {field: mask(getattr(event, field))}
        return dataclasses.replace(event, **words)

    def _with(self, secrets: Secrets, name: str, value: Any) -> Secrets:
        """Also what the masked fields of ``value`` hold."""
        values, complete = collect(value, name, self._hidden, _MAX_SEARCHED)
        if not values and complete:
            return secrets
        return Secrets(secrets.values | values, secrets.complete and complete)

    def _left_out(self, complete: bool) -> list[str]:
        """The fields that are not kept; also what may repeat a secret that was not read."""
        config = self._config
        kept = {
            "output": config.keep_output and complete,
            "logs": config.keep_logs and complete,
            "context": config.keep_context,
            "code": config.keep_code,
        }
        return [name for name, is_kept in kept.items() if not is_kept]


class _One:
    """The redaction of one record, knowing its secrets."""

    def __init__(self, redactor: Redactor, recurring: Recurring) -> None:
        self._config = redactor._config
        self._mask, self._omit = redactor._mask, redactor._omit
        self._named = redactor._named
        self._recurring = recurring

    def text(self, text: str) -> str:
        """Any text: a console line, a value."""
        return self._masked(text, code=False)

    def code(self, text: str) -> str:
        """A piece of a program."""
        return self._masked(text, code=True)

    def cut_text(self, text: str) -> str:
        """A text that may end in the middle of a secret."""
        return self._cut(self.text(text))

    def snippet(self, code: str) -> str:
        """The beginning of a program."""
        masked = self.code(code)
        if len(code) < SNIPPET_LENGTH:
            return masked
        return self._cut(mask_partial(masked) if self._config.mask_secrets else masked)

    def description(self, text: str) -> str:
        """What a person wrote about the run."""
        most = self._config.max_field
        return self.text(text[:most]) if len(text) <= most else f"{self.cut_text(text[:most])}…"

    def field(self, name: str, value: Any, cut: bool = False) -> Any:
        """An output or context; a preview of it when it is too large."""
        if value is None:
            return None
        most = self._config.max_field
        text = self.cut_text if cut else self.text
        copy = Copy(self._mask, self._omit, text, self._recurring.__contains__, most)
        copied = copy.of(value, name)
        encoded = _encode(copied)
        if copy.left >= 0 and len(encoded) <= most:
            return copied
        # In JSON again, each of its quotes takes two bytes.
        preview = encoded[: most // 2 - 64].decode(errors="ignore")
        return {_TRUNCATED: max(len(_encode(value)), most + 1), "preview": self._cut(preview)}

    def logs(self, lines: list[str]) -> list[str]:
        """Console lines, as one text, because a secret may span several."""
        taken, size = list[str](), 0
        for line in lines:
            if size > self._config.max_field + MARGIN:
                break
            taken.append(line[: self._config.max_field + MARGIN].replace(LINE_BREAK, "\ufffd"))
            size += len(taken[-1]) + 3
        masked = self.text(LINE_BREAK.join(taken)).split(LINE_BREAK) if taken else []
        return self._fitting(masked, lines)

    def _fitting(self, masked: list[str], lines: list[str]) -> list[str]:
        kept, room = list[str](), self._config.max_field - 2
        for line in masked:
            size = len(_encode(line)) + 1
            if size > room:
                break
            kept.append(line)
            room -= size
        missing = len(lines) - len(kept)
        if not missing:
            return kept
        length = sum(map(len, lines[len(kept) :]))
        return [*kept, f"… {missing} more lines with {length} characters were not kept"]

    def details(
        self, details: dict[str, Any], log_count: int, left_out: list[str]
    ) -> dict[str, Any]:
        """The rest of what the result said."""
        kept = {
            name: self._detail(name, value)
            for name, value in details.items()
            if not _SOURCES.get(name, frozenset()).intersection(left_out)
        }
        for name in ("logTimes", "logLevels"):
            if name in kept:
                kept[name] = kept[name][:log_count]
        return {**kept, "redacted": left_out} if left_out else kept

    def _detail(self, name: str, value: Any) -> Any:
        if name in _OURS:
            return value
        if name == _ARGUMENTS:
            return self.field(name, value)
        if name == "toolCalls":
            return _with_tools(self._plain_copy(value, self.cut_text), value)
        if name == "errorInfo" and isinstance(value, dict):
            return {part: self._detail(part, each) for part, each in value.items()}
        return self._plain_copy(value, self._cut_code if name in _CODE else self.cut_text)

    def _plain_copy(self, value: Any, text: Callable[[str], str]) -> Any:
        if value is None or isinstance(value, bool | float):  # there is nothing to look for
            return value
        copy = Copy(_NO_NAMES, _NO_NAMES, text, self._recurring.__contains__, _MAX_DETAILS, _OURS)
        return copy.of(value, "")

    def _cut_code(self, text: str) -> str:
        masked = self.code(text)
        if "…" in masked and self._config.mask_secrets:
            masked = "…".join(map(mask_partial, masked.split("…")))
        return self._cut(masked)

    def _cut(self, text: str) -> str:
        return self._recurring.mask_cut(text) if self._recurring else text

    def _masked(self, text: str, *, code: bool) -> str:
        if len(text) < _SHORTEST or text in _OUR_WORDS:
            return text
        if self._recurring:
            text = self._recurring.mask(text)
        if self._config.mask_secrets:
            text = mask_tokens(text)
        return self._named.mask(text, code=code)


def _with_tools(copies: Any, calls: Any) -> Any:
    """Paths of tools and rules are words of the host's, which a guest's value may happen to equal;
    those of tools that there are not are the guest's."""
    if not isinstance(copies, list) or not isinstance(calls, list):
        return copies
    for copy, call in zip(copies, calls, strict=False):
        if (
            isinstance(copy, dict)
            and isinstance(call, dict)
            and call.get("error") != "unknown_tool"
        ):
            copy.update({name: call[name] for name in ("tool", "rule") if name in copy})
    return copies


def _encode(value: Any) -> bytes:
    try:
        return to_json(value, inf_nan_mode="null")
    except (PydanticSerializationError, ValueError, RecursionError):
        pass
    try:
        return json.dumps(value).encode()  # escapes what UTF-8 cannot encode
    except (TypeError, ValueError, RecursionError):
        return b"null"

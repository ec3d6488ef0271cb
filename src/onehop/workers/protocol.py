"""Frames between host and worker; no I/O. ``docs/reference/protocol.md`` has the page.

Everything that a worker sends is hostile until it has passed ``FrameReader`` and
``parse_message``: both raise ProtocolError and nothing else.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring
from typing import Any, Literal, get_args

from onehop._data import data
from onehop.inputs.frames import HEADER, ProtocolError, encode_frame
from onehop.inputs.gc import Body, read_json
from onehop.runs.questions import Ask, Call, Desk, Headway, Shown, Sleep, Stored
from onehop.types import LogLevel

VERSION = 3
SMALL_BODY = 256 * 1024
"""Room for everything in a frame that is not an output: a log line, an error, the fields."""
ANSWER_PART = 256 * 1024
"""Bytes of a tool's answer in one frame, so that others come in between."""

_HEAD = b'{"v":3,"token":"'
_LARGE_HEAD = re.compile(
    rb'\{"v":3,"token":"(?P<token>[^"\\]*)","kind":"result",'
    rb'"bytes":(?P<bytes>\d{1,15}),"dropped":(?P<dropped>\d{1,15}),'
    rb'(?:"again":(?P<again>true),)?(?:"open":(?P<open>true),)?'
    rb'(?:"warnings":(?P<warnings>\[(?:"(?:[^"\\]|\\.){0,4096}",?){1,16}\]),)?"text":"'
)
_CALL_HEAD = re.compile(
    rb'\{"v":3,"token":"(?P<token>[^"\\]*)","kind":"call","id":(?P<id>\d{1,15}),'
    rb'"namespace":(?P<namespace>"(?:[^"\\]|\\.){0,2048}"),'
    rb'"member":(?P<member>"(?:[^"\\]|\\.){0,2048}"),"arguments":"'
)
_STORE_HEAD = re.compile(
    rb'\{"v":3,"token":"(?P<token>[^"\\]*)","kind":"store","id":(?P<id>\d{1,15}),"op":"set",'
    rb'"key":(?P<key>"(?:[^"\\]|\\.){1,4096}"),"value":"'
)
_FEW_NAMES = 8192
"""Bytes; the guest reads a frame of twice as many at once."""
_MAX_NAME = 512
_MAX_QUESTION = 4096
_MAX_NAMESPACES = 64
_MAX_WARNINGS = 16
_MAX_WARNING = 1024
_NUMBER_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
"""A plus is dropped beside it."""
_OVERFLOWING = (b"0e000", b"0" * 300)
_LEVELS: frozenset[str] = frozenset(get_args(LogLevel))


@data(frozen=True, slots=True)
class Ready:
    """The lockdown is done; the worker waits for its job."""

    deno: str
    v8: str
    typescript: str


@data(frozen=True, slots=True)
class Warm:
    """The worker is warmed up, as the host asked."""


@data(frozen=True, slots=True)
class Log:
    """One console call."""

    level: LogLevel
    message: str


@data(frozen=True, slots=True)
class Result:
    """The run returned; ``output`` is JSON data."""

    output: Any
    dropped: int
    warnings: tuple[str, ...] = ()
    again: bool = False
    """Whether the process can take another job, as it says; only one that has realms does."""
    has_open: bool = False
    """Whether the code has asked something that was not answered, so that its session ends."""


@data(frozen=True, slots=True)
class LargeResult:
    """The run returned more than the caller may receive at once."""

    text: str
    """The first part of the output's JSON text."""
    size: int
    """Length of the whole text as the guest gave it; only good for display."""
    dropped: int
    warnings: tuple[str, ...] = ()
    again: bool = False
    """As in Result."""
    has_open: bool = False
    """As in Result."""


@data(frozen=True, slots=True)
class Failure:
    """The run threw; positions are 1-based in the text that the host sent."""

    name: str
    message: str
    stack: str | None
    line: int | None
    column: int | None
    syntax: bool
    dropped: int
    has_open: bool = False


@data(frozen=True, slots=True)
class Names:
    """The code looks at ``tools`` for the first time, and waits for the names that are granted."""


@data(frozen=True, slots=True)
class Original:
    """TypeScript that a job's code was made from."""

    code: str
    positions: str
    """Where parts of the job's code come from: ``mappings`` of a source map (ECMA-426)."""


Question = Names | Call | Ask | Sleep | Stored
"""Of the code to its host, which answers."""
Message = Ready | Warm | Log | Result | LargeResult | Failure | Question | Shown | Headway


def encode_job(
    *,
    token: str,
    code: str,
    context_json: bytes,
    capture: bool,
    limits_json: str,
    original: Original | None = None,
    tools_json: str = "null",
    fixed_json: str = "null",
    session_json: str = "null",
    kind: Literal["job", "warm"] = "job",
) -> bytes:
    """The job frame; ``original`` is what ``code`` was made from, ``tools_json`` what it may use of
    the host's tools, ``fixed_json`` its seed and clock, ``session_json`` how it is a call of a
    session.

    What is JSON already, or needs no escaping, is put in as it is, and a large context is copied
    once: encoding it twice would cost more than all the rest."""
    head = (
        f'{{"v":{VERSION},"token":"{token}","kind":"{kind}",'
        f'"capture":{"true" if capture else "false"},"limits":{limits_json},"tools":{tools_json},'
        f'"fixed":{fixed_json},"session":{session_json},'
        f'"code":{encode_basestring(code)},"original":{_original_json(original)},"context":'
    ).encode()
    length = HEADER.pack(len(head) + len(context_json) + 1)
    return b"".join((length, head, context_json, b"}"))


def encode_context(context_json: bytes) -> bytes:
    """The frame that has the context of the job that comes next, whose own is null then."""
    head = f'{{"v":{VERSION},"kind":"context","context":'.encode()
    length = HEADER.pack(len(head) + len(context_json) + 1)
    return b"".join((length, head, context_json, b"}"))


def _original_json(original: Original | None) -> str:
    if original is None:
        return "null"
    return f'{{"code":{encode_basestring(original.code)},"map":"{original.positions}"}}'


def encode_warm() -> bytes:
    """The frame that asks an idle worker to warm up: a job to practise on."""
    return encode_job(
        kind="warm",
        token="",
        code="return context.list",
        context_json=b'{"list":[1,2]}',
        capture=False,
        limits_json='{"output":4096,"keep":4096,"logs":0,"entries":0}',
    )


def tools_json(desk: Desk | None, code: str) -> str:
    """What ``code`` may use of the host's tools. The few names that most grants have are among it
    when the code is likely to look at them: to ask for them would take it as long as a call."""
    if desk is None:
        return "null"
    names = desk.names() if "tools" in code else b""
    told = names.decode() if 0 < len(names) <= _FEW_NAMES else "null"
    return f'{desk.limits_json[:-1]},"names":{told}}}'


def encode_names(token: str, names: bytes) -> bytes:
    """The frame that answers Names; ``names`` is JSON."""
    head = f'{{"v":{VERSION},"token":"{token}","kind":"names","names":'.encode()
    return encode_frame(head + names + b"}")


def encode_answer(token: str, id_: int, value: bytes, at: float | None = None) -> Iterator[bytes]:
    """The frames that answer a question: a line of JSON each, and a part of the ``value``, which is
    JSON text; ``at`` is the time that the code sees from then on, in ms since 1970."""
    head = f'{{"v":{VERSION},"token":"{token}","kind":"answer","id":{id_}{_at(at)}'
    start = 0
    while len(value) - start > ANSWER_PART:
        part = value[start : start + ANSWER_PART]
        yield encode_frame(f'{head},"more":true}}\n'.encode() + part)
        start += ANSWER_PART
    yield encode_frame(f"{head}}}\n".encode() + value[start:])


def encode_refusal(token: str, id_: int, error: bytes, at: float | None = None) -> bytes:
    """The frame that answers a Call or an Ask with an ``error``, the JSON of a ToolError."""
    start = f'{{"v":{VERSION},"token":"{token}","kind":"answer","id":{id_}{_at(at)}'
    return encode_frame(f'{start},"error":'.encode() + error + b"}\n")


def _at(at: float | None) -> str:
    return "" if at is None else f',"at":{at}'


def parse_message(body: Body, token: str, max_output: int) -> Message:
    """Read one frame body; ``token`` is the one of this run (empty before the job).

    A body of more than ``max_output`` bytes may only be a ``LargeResult`` or a ``Call``, which are
    one string: other JSON of that size could unfold to many times its length in memory.
    """
    if len(body) > max_output + SMALL_BODY:
        if (call := _CALL_HEAD.match(body)) is not None:
            return _parse_large_call(body, token, call)
        if (stored := _STORE_HEAD.match(body)) is not None:
            return _parse_large_stored(body, token, stored)
        return _parse_large(body, token)
    frame = _parse_object(body, len(_HEAD) + len(token))
    if frame.get("v") != VERSION:
        raise ProtocolError("a frame of another protocol version")
    if frame.get("token") != token:
        raise ProtocolError("a frame without this run's token")
    kind = frame.get("kind")
    parse = _PARSERS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        raise ProtocolError(f"a frame of unknown kind {str(kind)[:40]!r}")
    return parse(frame)


def _parse_large(body: Body, token: str) -> LargeResult:
    head = _LARGE_HEAD.match(body)
    if head is None or head["token"].decode() != token:
        raise ProtocolError("a frame over the output limit that is not a large result")
    text = _from_json(body[head.end() - 1 : -1])
    if not isinstance(text, str) or not body.endswith(b"}"):
        raise ProtocolError("a large result that is not one string")
    warnings = _warnings(_from_json(head["warnings"] or b"[]"))
    return LargeResult(
        text,
        int(head["bytes"]),
        int(head["dropped"]),
        warnings,
        again=head["again"] is not None,
        has_open=head["open"] is not None,
    )


def _parse_large_call(body: Body, token: str, head: re.Match[bytes]) -> Call:
    text = _from_json(body[head.end() - 1 : -1])
    if head["token"].decode() != token or not isinstance(text, str) or not body.endswith(b"}"):
        raise ProtocolError("a large call that is not one string")
    namespace, member = (_name(_from_json(head[each])) for each in ("namespace", "member"))
    return Call(int(head["id"]), namespace, member, text)


def _parse_large_stored(body: Body, token: str, head: re.Match[bytes]) -> Stored:
    text = _from_json(body[head.end() - 1 : -1])
    if head["token"].decode() != token or not isinstance(text, str) or not body.endswith(b"}"):
        raise ProtocolError("a large value to store that is not one string")
    return Stored(int(head["id"]), "set", _name(_from_json(head["key"])), text)


def _parse_object(body: Body, head: int) -> dict[str, Any]:
    """``head`` bytes hold an honest frame's token, in which digits around an e are not a number."""
    frame = _from_json(body)
    if not isinstance(frame, dict):
        raise ProtocolError("a frame that is not an object")
    if _may_overflow(body, head if body.startswith(_HEAD) else 0):
        _refuse_infinity(frame)
    return frame


def _may_overflow(body: Body, start: int = 0) -> bool:
    """Whether a literal behind ``start`` may be beyond a double: quick, and never wrongly false."""
    shape = body.translate(_NUMBER_SHAPE, b"+")
    return any(shape.find(part, start) >= 0 for part in _OVERFLOWING)


def _from_json(body: Body) -> Any:
    """Strict JSON: no NaN, no lone surrogates, at most 200 levels, integers of 4300 digits."""
    try:
        return read_json(body)
    except ValueError as error:
        raise ProtocolError(f"a frame that is not JSON: {str(error)[:80]}") from None


def _refuse_infinity(value: Any) -> None:
    """A literal such as 1e999 parses as infinity."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise ProtocolError("a frame with a number that is not a double")


def _field(frame: dict[str, Any], name: str, kind: type[Any], *, optional: bool = False) -> Any:
    value = frame.get(name)
    if optional and value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ProtocolError(f"a frame with a wrong or missing field {name!r}")
    return value


def _count(frame: dict[str, Any], name: str, *, optional: bool = False) -> Any:
    value = _field(frame, name, int, optional=optional)
    if value is not None and not 0 <= value < 1 << 53:
        raise ProtocolError(f"a frame with an impossible number in {name!r}")
    return value


def _ready(frame: dict[str, Any]) -> Ready:
    return Ready(*(_field(frame, name, str)[:40] for name in ("deno", "v8", "typescript")))


def _log(frame: dict[str, Any]) -> Log:
    level = _field(frame, "level", str)
    if level not in _LEVELS:
        raise ProtocolError("a log frame with an unknown level")
    return Log(level, _field(frame, "message", str))


def _result(frame: dict[str, Any]) -> Result | LargeResult:
    dropped = _count(frame, "dropped")
    warnings = _warnings(frame.get("warnings", []))
    again = _field(frame, "again", bool, optional=True) or False
    is_open = frame.get("open") is True
    if "text" in frame:
        text, size = _field(frame, "text", str), _count(frame, "bytes")
        return LargeResult(text, size, dropped, warnings, again, is_open)
    if "output" not in frame:
        raise ProtocolError("a result frame without an output")
    return Result(frame["output"], dropped, warnings, again, is_open)


def _warnings(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or len(found) > _MAX_WARNINGS:
        raise ProtocolError("a frame with a wrong list of warnings")
    for warning in found:
        if not isinstance(warning, str) or len(warning) > _MAX_WARNING:
            raise ProtocolError("a frame with a wrong or too long warning")
    return tuple(map(_one_line, found))


def _one_line(text: str) -> str:
    """Without what could start a line or move a cursor: it is shown beside words of ours."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _failure(frame: dict[str, Any]) -> Failure:
    error = _field(frame, "error", dict)
    return Failure(
        name=_field(error, "name", str),
        message=_field(error, "message", str),
        stack=_field(error, "stack", str, optional=True),
        line=_count(error, "line", optional=True),
        column=_count(error, "column", optional=True),
        syntax=_field(frame, "syntax", bool),
        dropped=_count(frame, "dropped"),
        has_open=frame.get("open") is True,
    )


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_NAME:
        raise ProtocolError("a frame with a name that is not one, or too long")
    return value


def _call(frame: dict[str, Any]) -> Call:
    namespace, member = (_name(frame.get(each)) for each in ("namespace", "member"))
    arguments = _field(frame, "arguments", str, optional=True)
    fault = "" if arguments is not None else _field(frame, "fault", str)[:_MAX_QUESTION]
    field = _field(frame, "field", str, optional=True)
    id_ = _count(frame, "id")
    return Call(id_, namespace, member, arguments, fault, field and field[:_MAX_NAME])


def _ask(frame: dict[str, Any]) -> Ask:
    about = frame.get("about")
    if about not in ("search", "describe", "list", "bytes", "once"):
        raise ProtocolError("a frame that asks about nothing we know")
    subject = _field(frame, "subject", str, optional=True)
    limit = _count(frame, "limit", optional=True)
    spaces = frame.get("namespaces")
    if spaces is not None and not (isinstance(spaces, list) and len(spaces) <= _MAX_NAMESPACES):
        raise ProtocolError("a frame with a wrong list of namespaces")
    namespaces = None if spaces is None else tuple(map(_name, spaces))
    value = _field(frame, "value", str, optional=about != "once")
    id_, subject = _count(frame, "id"), subject and subject[:_MAX_QUESTION]
    return Ask(id_, about, subject, limit, namespaces, value)


def _sleep(frame: dict[str, Any]) -> Sleep:
    delay = frame.get("ms")
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= 1 << 31:
        raise ProtocolError("a frame with a timer of an impossible time")
    return Sleep(_count(frame, "id"), float(delay))


def _shown(frame: dict[str, Any]) -> Shown:
    kind = frame.get("as")
    if kind not in ("text", "bytes", "json"):
        raise ProtocolError("a frame that shows nothing we know")
    try:
        data = binascii.a2b_base64(_field(frame, "data", str), strict_mode=True)
    except ValueError:
        raise ProtocolError("a frame that shows what is not base64") from None
    type_, title = (_name(frame.get(each)) for each in ("type", "title"))
    return Shown(kind, type_, title, data, _field(frame, "more", bool))


def _progress(frame: dict[str, Any]) -> Headway:
    fraction = frame.get("fraction")
    if (
        isinstance(fraction, bool)
        or not isinstance(fraction, int | float)
        or not (0 <= fraction <= 1)
    ):
        raise ProtocolError("a frame with progress that is none")
    words = _one_line(_field(frame, "message", str)[:_MAX_WARNING])
    return Headway(float(fraction), words)


def _stored(frame: dict[str, Any]) -> Stored:
    op = frame.get("op")
    if op not in ("get", "set", "delete", "keys"):
        raise ProtocolError("a frame that does nothing we know with the store")
    return Stored(_count(frame, "id"), op, _name(frame.get("key")), _field(frame, "value", str))


_PARSERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "ready": _ready,
    "warm": lambda _: Warm(),
    "log": _log,
    "result": _result,
    "error": _failure,
    "names": lambda _: Names(),
    "call": _call,
    "ask": _ask,
    "sleep": _sleep,
    "show": _shown,
    "progress": _progress,
    "store": _stored,
}

"""Everything that reads what nobody trusts, each as a function from any bytes: it either reads
them, or refuses them in the way that it promises. What it may raise is named; all else is a fault.

hypothesis calls these in ``test_fuzz.py``, atheris in ``guided.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pydantic_core import to_json

from onehop.analysis._answers import read_answer as read_analysis
from onehop.analysis._link import AnalysisLostError
from onehop.audit._codec import UnreadableEntryError, decode_entry, encode_entry
from onehop.compiler._answers import read_answer as read_compiled
from onehop.compiler._facts import read_facts
from onehop.compiler._frames import AnswerError
from onehop.config import CorrectionConfig, SandboxConfig
from onehop.corrections import correct_arguments, correct_code
from onehop.corrections._remote import read_corrected
from onehop.errors import InvalidRequestError, LayerUnavailableError
from onehop.inputs.frames import HEADER, FrameReader, ProtocolError
from onehop.inputs.strict import parse
from onehop.inputs.values import count_values
from onehop.requests import check_request
from onehop.runs.traces import read_trace
from onehop.source import lines, prepare
from onehop.tools import read_rules, rule_from_text
from onehop.tools._declarations import ambient, declarations
from onehop.validation._examine import Examiner
from onehop.validation._remote import read_verdict
from onehop.validation._rules import RULES
from onehop.workers.protocol import (
    LargeResult,
    Result,
    parse_message,
)
from tests.tools.schemas import Declared

TOKEN: Final = "5e" * 16
_MAX_BODY: Final = 1 << 16
_ON: Final = CorrectionConfig()
_SETTINGS: Final = SandboxConfig()


def frames(data: bytes) -> None:
    """A worker's stream: cut anywhere, it has the same frames."""
    whole, parts = FrameReader(_MAX_BODY), FrameReader(_MAX_BODY)
    found: list[bytes] = []
    again: list[bytes] = []
    is_refused = _refuses(whole, [data], found)
    assert (
        _refuses(parts, [data[at : at + 3] for at in range(0, len(data), 3)], again) == is_refused
    )
    assert is_refused or found == again
    for body in found:
        message(body)


def _refuses(reader: FrameReader, pieces: list[bytes], found: list[bytes]) -> bool:
    """Whether it refuses the stream; until then its frames are added to ``found``."""
    try:
        for piece in pieces:
            found.extend(map(bytes, reader.feed(piece)))
    except ProtocolError:
        return True
    return False


def message(data: bytes) -> None:
    """The body of a worker's frame: what comes through can be written as JSON again."""
    for token in (TOKEN, ""):
        with suppress(ProtocolError):
            said = parse_message(data, token, 4096)
            if isinstance(said, Result):
                json.loads(to_json(said.output, inf_nan_mode="constants"), parse_constant=_never)
            if isinstance(said, LargeResult):
                said.text.encode()


def _never(name: str) -> None:
    raise AssertionError(f"{name} has come through")


def compiled(data: bytes) -> None:
    """What a compiler answers."""
    with suppress(AnswerError):
        read_compiled(data, 1)


def facts(data: bytes) -> None:
    """What a checker answers."""
    with suppress(AnswerError):
        read_facts(data, 1)


def analysis(data: bytes) -> None:
    """What an analysis process answers, and the verdict or the repaired code in it."""
    try:
        result = read_analysis(data)
    except (AnalysisLostError, LayerUnavailableError):
        return
    read_verdict(result)
    with suppress(ValueError, KeyError, TypeError):  # what its callers take for a refusal
        read_corrected("return 1", result)


def journal(data: bytes) -> None:
    """An entry of a journal's file; one that can be read survives being written again."""
    try:
        entry = decode_entry(data)
    except UnreadableEntryError:
        return
    assert decode_entry(encode_entry(entry)) == entry


def values(data: bytes) -> None:
    """JSON of a request: counted and read."""
    count_values(data)
    with suppress(ValueError, RecursionError):
        parse(data.decode())


def validator(data: bytes) -> None:
    """A program is judged, whatever it is, and each finding lies in its text."""
    code = _text(data)
    for language in ("javascript", "typescript"):
        verdict = Examiner(RULES, [], {}, max_seconds=30).examine(code, language)
        last = len(lines(code))
        for finding in verdict.findings:
            assert 1 <= finding.line <= last, (finding, last)


def corrections(data: bytes) -> None:
    """A program is repaired or left alone; each place of the repaired one is in the first."""
    code = _text(data)
    repaired = correct_code(code, "javascript", _ON)
    assert bool(repaired.corrections) or repaired.code == code
    for number in range(1, len(lines(repaired.code)) + 1):
        line, column = repaired.original_position(number, 1)
        assert 1 <= line <= len(lines(code)), (number, line)
        assert column >= 1


def preparation(data: bytes) -> None:
    """TypeScript is made ready for its compiler."""
    prepare(_text(data), "typescript")


def arguments(data: bytes) -> None:
    """What a caller sends is repaired, and then taken or refused."""
    given = _json(data)
    if not isinstance(given, dict):
        return
    fixed = correct_arguments(given, _ON).arguments
    named = {"captureConsole": "capture_console"}
    known = {"code", "language", "timeout", "context", "captureConsole", "description"}
    if "code" in fixed and fixed.keys() <= known:
        with suppress(InvalidRequestError):
            named_now = {named.get(name, name): value for name, value in fixed.items()}
            check_request(_SETTINGS, **named_now)


def declared(data: bytes) -> None:
    """A tool's schema becomes TypeScript, whatever it is."""
    schema = _json(data)
    if isinstance(schema, dict | bool):
        tool = Declared("ns", "tool", schema, schema, _text(data)[:200])
        declarations([tool])
        ambient([tool])


def rules(data: bytes) -> None:
    """Rules for tools, as text and as data."""
    with suppress(InvalidRequestError):
        rule_from_text(_text(data))
    with suppress(InvalidRequestError):
        read_rules(_json(data))


def traces(data: bytes) -> None:
    """The headers of a trace."""
    head, _, rest = _text(data).partition("\n")
    read_trace(head, rest)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    each.__name__: each
    for each in (
        *(frames, message, compiled, facts, analysis, journal, values),
        *(validator, corrections, preparation, arguments, declared, rules, traces),
    )
}


def framed(body: bytes) -> bytes:
    """A body as a frame."""
    return HEADER.pack(len(body)) + body

"""Honest inputs of each target: what is varied, and from which a guided search begins."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic_core import to_json

from onehop.audit._codec import encode_entry
from onehop.config import CorrectionConfig
from onehop.corrections import correct_code
from onehop.stores.base import Entry
from onehop.validation._remote import examine
from tests.fuzz.targets import TOKEN, framed
from tests.validation.forbidden import spellings
from tests.validation.programs import harmless

_HEAD: Final = {"v": 3, "token": TOKEN}
_MESSAGES: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "ready", "deno": "2.9.8", "v8": "14", "typescript": "5"},
    {"kind": "log", "level": "log", "message": "hello"},
    {"kind": "result", "dropped": 0, "output": {"a": [1, 2.5, None, "é"]}},
    {"kind": "result", "dropped": 0, "text": "[1]", "bytes": 3, "warnings": ["left"], "open": True},
    {"kind": "error", "dropped": 0, "syntax": False,
     "error": {"name": "E", "message": "m", "stack": "s", "line": 1, "column": 2}},
    {"kind": "names"},
    {"kind": "call", "id": 1, "namespace": "a", "member": "b", "arguments": "{}"},
    {"kind": "ask", "id": 2, "about": "search", "subject": "x", "limit": 3, "namespaces": ["a"]},
    {"kind": "show", "as": "text", "type": "t", "title": "t", "data": "aGk=", "more": False},
    {"kind": "progress", "fraction": 0.5, "message": "half"},
    {"kind": "store", "id": 3, "op": "set", "key": "k", "value": "1"},
)  # fmt: skip
_ANSWERS: Final[tuple[dict[str, Any], ...]] = (
    {"id": 1, "kind": "ready"},
    {"id": 1, "kind": "compiled", "code": "return 1", "positions": "AAAA;A"},
    {"id": 1, "kind": "refused", "message": "no", "line": 1, "column": 2},
    {"id": 1, "kind": "facts", "syntax": None, "isCut": False, "awaits": [],
     "calls": [{"path": ["a", None], "line": 1, "column": 1, "count": 1, "argument": ["v", 1],
                "isCertain": True, "repeats": False}]},
)  # fmt: skip
_CALLS: Final[tuple[dict[str, Any], ...]] = (
    {"code": "return 1", "lang": "ts", "timeoutMs": "5", "context": '{"a": 1}'},
    {"script": "```js\n1\n```", "timeout": 5, "captureConsole": "false"},
)
_SCHEMAS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    {"$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}, "anyOf": [{"$ref": "#/$defs/A"}, True]},
    {"oneOf": [{"const": 1}, {"enum": ["*/", None]}], "patternProperties": {"^a": False}},
)


def _plain(value: Any) -> Any:
    """As an analysis process would send it."""
    return json.loads(to_json(value))


def _json(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def _programs() -> list[bytes]:
    texts = [each.code for each in harmless()] + [code for *_, code in spellings()]
    fenced = ["```js\nreturn 1\n```", "function main(context) { return 1 }", "module.exports = 1"]
    return [text.encode("utf-8", "replace") for text in [*texts[::7], *fenced]]


def seeds() -> dict[str, list[bytes]]:
    """By the name of the target."""
    messages = _json(*({**_HEAD, **each} for each in _MESSAGES))
    programs = _programs()
    verdict = _plain(examine("eval('1')", "javascript", [], {}, []))
    repaired = _plain(correct_code("```js\n1 + 1\n```", "javascript", CorrectionConfig()))
    return {
        "frames": [framed(body) for body in messages] + [b"".join(map(framed, messages))],
        "message": messages,
        "compiled": _json(*_ANSWERS),
        "facts": _json(*_ANSWERS),
        "analysis": _json(
            {"result": verdict}, {"result": repaired}, {"error": "e"}, {"ready": True}
        ),
        "journal": [encode_entry(Entry(None, ())).encode()],
        "values": _json({"a": [1, {"b": "c\\u0000"}]}, [[[]]]),
        "validator": programs,
        "corrections": programs,
        "preparation": programs,
        "arguments": _json(*_CALLS),
        "declared": _json(*_SCHEMAS),
        "rules": [b"ask crm.pay when amount > 100", *_json({"deny": ["a*"], "ask": ["b.c"]})],
        "traces": [b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01\nvendor=1"],
    }

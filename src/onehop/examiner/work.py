"""What an analysis process does with a text: plain data in, plain data out.

Nothing can be imported once a process is confined, so all that these rooms import late is imported
before.
"""

from __future__ import annotations

import dataclasses
import pkgutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from onehop import corrections, patterns, source, validation
from onehop.config import CorrectionConfig
from onehop.corrections import correct_code
from onehop.patterns import shape_from
from onehop.source import diagnose, keep_declarations
from onehop.validation import examine

_INFO: Final = {"type": "runtime", "name": "Error", "message": "", "line": 1, "column": 8}
_WARM_UP: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("examine", {"off": [], "severity": {}, "rules": []}),
    ("correct", {"config": {}}),
    ("prepare", {"config": {}, "terms": {"off": [], "severity": {}, "rules": []}}),
    ("shape", {"info": _INFO, "findings": []}),
    ("keep", {}),
    ("diagnose", {"message": "Unexpected token", "line": 1, "column": 8}),
)
_OF_THE_HOST: Final = frozenset(
    {"onehop.corrections._remote", "onehop.source._remote", "onehop.validation._validator"}
)
"""What asks: with the event loop, which takes as long to load as all the rules."""
_TEXTS: Final = (
    ("javascript", "for (const a of context.b) { eval(a) } a.b['c'](`${1}`)"),
    ("typescript", "interface A { b: string } const c: A = <A>{}; c.b"),
    ("javascript", "const a = <b>c</b>; }"),
)


class Work:
    """The operations, with the operator's rules that were loaded so far."""

    def __init__(self) -> None:
        self._operations: Mapping[str, Callable[..., Any]] = {
            "examine": examine,
            "correct": _correct,
            "prepare": _prepare,
            "diagnose": diagnose,
            "shape": shape_from,
            "keep": keep_declarations,
        }

    def warm_up(self) -> None:
        """Import every module of the rooms but those of the host, and run every operation, so that
        nothing is left to be loaded."""
        for room in (corrections, patterns, source, validation):
            for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
                if module.name not in _OF_THE_HOST:
                    import_module(module.name)
        for operation, rest in _WARM_UP:
            for language, code in _TEXTS:
                arguments = {"code": code, "language": language, **rest}
                self.answer({"operation": operation, "arguments": arguments})

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The result of an operation, or why there is none."""
        try:
            result = self._operations[request["operation"]](**request["arguments"])
            return {"result": _plain(result)}
        except Exception:
            return {"error": traceback.format_exc(limit=-10)[-4000:]}


def load_rules(references: Sequence[str]) -> None:
    """Import an operator's rules, each ``module:function``. Raises ConfigError."""
    from onehop.validation import load_rule

    for reference in references:
        load_rule(reference)


def _correct(code: str, language: Any, config: dict[str, Any], keeps: bool = False) -> Any:
    return correct_code(code, language, CorrectionConfig.model_construct(**config), keeps=keeps)


def _prepare(
    code: str, language: Any, config: dict[str, Any], terms: dict[str, Any], keeps: bool = False
) -> Any:
    """Correct, and examine what came of it: one question where two would each cost a turn."""
    corrected = _correct(code, language, config, keeps)
    return [corrected, examine(corrected.code, language, **terms)]


def _plain(value: Any) -> Any:
    """JSON data; of our own types only."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {each.name: _plain(getattr(value, each.name)) for each in fields}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value

"""ComplexFuncBench: tasks that its authors wrote, with every call and its recorded answer.

Read as the package ``nestful-wrapper`` has it; nothing of it lies here. Its references stand in
some places only: where a call needs what an earlier answer said, the value is often written out. A
program that has such a value in it would know an answer before it came, so that ``_Links`` makes
references of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jsonschema

INSTALL: Final = "pip install --no-deps nestful-wrapper"
_PLACE: Final = ("data_v1", "complexfuncbench")
_REFERENCE: Final = re.compile(r"\$(var\d+)((?:\.[^.$]+)*)\$")
_DAY_OR_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")
_TELLING: Final = 5
"""Characters from which a value that two answers share is not chance."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Ref:
    """What an earlier answer says at one place."""

    call: int
    """The number of the call, from 0."""
    path: Path_
    kind: str
    """``string`` or ``number`` if the call wants another type than the answer has, else empty."""
    value: Any
    """What is there."""


@dataclass(frozen=True)
class Call:
    """One call: its arguments, in which a Ref may stand for a value, and the recorded answer."""

    tool: str
    arguments: Any
    response: Any = field(repr=False)

    @cached_property
    def needs(self) -> frozenset[int]:
        """The calls whose answers it uses."""
        return frozenset(each.call for each in leaves(self.arguments) if isinstance(each, Ref))

    @property
    def values(self) -> Any:
        """The arguments as they are sent."""
        return mapped(self.arguments, lambda each: each.value if isinstance(each, Ref) else each)


@dataclass(frozen=True)
class Task:
    """One task."""

    number: int
    text: str
    calls: list[Call]
    links: int
    """References that the data does not have, put in here."""

    @property
    def marked(self) -> bool:
        """Whether the data has all its references."""
        return not self.links

    @cached_property
    def levels(self) -> list[list[int]]:
        """The calls by step: those of one step need answers of earlier steps only."""
        depth: list[int] = []
        for call in self.calls:
            depth.append(max((depth[each] + 1 for each in call.needs), default=0))
        return [
            [number for number, at in enumerate(depth) if at == step]
            for step in range(max(depth) + 1)
        ]

    @property
    def last(self) -> list[int]:
        """The calls whose answers no other call uses."""
        used = frozenset[int]().union(*(call.needs for call in self.calls))
        return [number for number in range(len(self.calls)) if number not in used]

    @property
    def picks(self) -> bool:
        """Whether it takes another item of a list than the first."""
        refs = (each for call in self.calls for each in leaves(call.arguments))
        return any(
            isinstance(ref, Ref) and any(isinstance(step, int) and step for step in ref.path)
            for ref in refs
        )


@dataclass(frozen=True)
class Definition:
    """A tool, as its authors describe it."""

    name: str
    description: str
    schema: dict[str, Any]

    def offered(self) -> dict[str, Any]:
        """What a model is given."""
        return {"name": self.name, "description": self.description, "parameters": self.schema}


@dataclass(frozen=True)
class Suite:
    """What can be played, and why the rest cannot."""

    tools: list[Definition]
    tasks: list[Task]
    left_out: Counter[str]


def find() -> Path | None:
    """The folder of the installed package, or None."""
    try:
        folder = Path(str(files(_PLACE[0]))) / _PLACE[1]
    except ModuleNotFoundError:
        return None
    return folder if folder.is_dir() else None


def load(folder: Path) -> Suite:
    """All tasks of ``folder``."""
    tools = {each["name"]: _definition(each) for each in _read(folder, "spec")}
    tasks: list[Task] = []
    left_out: Counter[str] = Counter()
    for number, raw in enumerate(_read(folder, "data")):
        try:
            tasks.append(_task(number, raw, tools))
        except UnplayableError as reason:
            left_out[str(reason)] += 1
    return Suite([tools[name] for name in sorted(tools)], tasks, left_out)


class UnplayableError(Exception):
    """Its text says why: what such tasks have."""


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"complexfuncbench-{name}.json").read_text("utf-8"))


def _definition(raw: dict[str, Any]) -> Definition:
    parameters = raw["query_parameters"]
    schema = {
        "type": "object",
        "properties": {name: _parameter(each) for name, each in parameters.items()},
        "required": [name for name, each in parameters.items() if each["required"]],
        "additionalProperties": False,
    }
    return Definition(raw["name"], raw["description"], schema)


def _parameter(raw: dict[str, Any]) -> dict[str, Any]:
    told = {"type": raw["type"], "description": raw["description"], "enum": raw["enum"]}
    return {name: value for name, value in told.items() if value}


def _task(number: int, raw: dict[str, Any], tools: dict[str, Definition]) -> Task:
    if not any(_REFERENCE.fullmatch(each) for each in _texts(raw["output"])):
        raise UnplayableError("have no reference")
    calls: list[Call] = []
    labels: dict[str, int] = {}
    links = _Links(raw["input"])
    for step in raw["output"]:
        tool = tools[step["name"]]
        arguments = _resolved(step["arguments"], calls, labels, tool)
        call = Call(step["name"], links.linked(arguments, tool), step["response"])
        _check(call, tool)
        labels[step["label"]] = len(calls)
        links.learn(call.response)
        calls.append(call)
    return Task(number, raw["input"].strip(), calls, links.made)


def _texts(output: list[dict[str, Any]]) -> Iterator[str]:
    for step in output:
        yield from (each for each in leaves(step["arguments"]) if isinstance(each, str))


def _check(call: Call, tool: Definition) -> None:
    try:
        jsonschema.validate(call.values, tool.schema)
    except jsonschema.ValidationError:
        raise UnplayableError("have a call that breaks the schema of its own tool") from None


# --- references that the data has ---


def _resolved(arguments: Any, calls: list[Call], labels: dict[str, int], tool: Definition) -> Any:
    kinds = tool.schema["properties"]

    def resolve(name: str, each: Any) -> Any:
        match = _REFERENCE.fullmatch(each) if isinstance(each, str) else None
        if match is None:
            return each
        if match[1] not in labels:
            raise UnplayableError("have a reference to a call that is not an earlier one")
        number = labels[match[1]]
        path, value = _follow(calls[number].response, match[2].split(".")[1:])
        return _ref(number, path, value, kinds.get(name, {}).get("type"))

    return {
        name: mapped(each, lambda leaf, name=name: resolve(name, leaf))
        for name, each in arguments.items()
    }


def _follow(answer: Any, keys: list[str]) -> tuple[Path_, Any]:
    """A key of a list is that of its first item, as the data means it."""
    path: list[str | int] = []
    for key in keys:
        if isinstance(answer, list) and answer:
            path.append(0)
            answer = answer[0]
        if not isinstance(answer, dict) or key not in answer:
            raise UnplayableError("have a reference that leads nowhere")
        path.append(key)
        answer = answer[key]
    return tuple(path), answer


def _ref(number: int, path: Path_, value: Any, wanted: str | None) -> Ref:
    if wanted == "string" and _is_number(value):
        return Ref(number, path, "string", str(value))
    if wanted == "number" and isinstance(value, str):
        try:
            return Ref(number, path, "number", json.loads(value))
        except ValueError:
            raise UnplayableError("have a reference to a text where a number is wanted") from None
    return Ref(number, path, "", value)


# --- references that it does not have ---


class _Links:
    """Finds values in a call that the model can only have from an earlier answer.

    That is a value which an earlier answer has, and neither the task nor the tool's definition. It
    must have five characters, or stand under the argument's own name. Days and times of day are
    left: a model works them out from the task.
    """

    def __init__(self, task: str) -> None:
        self.made = 0
        self._task = task.lower()
        self._named: dict[tuple[str, str], tuple[int, Path_, Any]] = {}
        self._anywhere: dict[str, tuple[int, Path_, Any]] = {}
        self._calls = 0

    def learn(self, answer: Any) -> None:
        """Take in the answer of the next call."""
        for path, value in _places(answer):
            if value is None or isinstance(value, bool):
                continue
            place = (self._calls, path, value)
            key = next((step for step in reversed(path) if isinstance(step, str)), "")
            self._named.setdefault((key, str(value)), place)
            if len(str(value)) >= _TELLING:
                self._anywhere.setdefault(str(value), place)
        self._calls += 1

    def linked(self, arguments: dict[str, Any], tool: Definition) -> dict[str, Any]:
        """The arguments with references for such values."""
        told = json.dumps(tool.offered(), ensure_ascii=False).lower()
        return {name: self._link(name, each, told) for name, each in arguments.items()}

    def _link(self, name: str, value: Any, told: str) -> Any:
        if isinstance(value, dict):
            return {key: self._link(key, each, told) for key, each in value.items()}
        if isinstance(value, list):
            return [self._link(name, each, told) for each in value]
        found = None if self._is_known(value, told) else self._find(name, str(value))
        if found is None:
            return value
        number, path, there = found
        self.made += 1
        return _ref(number, path, there, "string" if isinstance(value, str) else "number")

    def _is_known(self, value: Any, told: str) -> bool:
        if isinstance(value, Ref | bool) or value is None or _DAY_OR_TIME.fullmatch(str(value)):
            return True
        return str(value).lower() in self._task or f'"{value}"'.lower() in told

    def _find(self, name: str, text: str) -> tuple[int, Path_, Any] | None:
        return self._named.get((name, text)) or self._anywhere.get(text)


# --- JSON ---


def leaves(value: Any) -> Iterator[Any]:
    """The values in it that are not containers."""
    return (each for _, each in _places(value))


def _places(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _places(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _places(each, (*path, number))
    else:
        yield path, value


def mapped(value: Any, change: Any) -> Any:
    """The same with each leaf changed."""
    if isinstance(value, dict):
        return {key: mapped(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [mapped(each, change) for each in value]
    return change(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

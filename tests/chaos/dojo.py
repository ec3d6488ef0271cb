"""The tools of AgentDojo's suites (PyPI ``agentdojo``) for ``onehop serve --tools``.

Each run has a world of its own that lies in a file: it outlives the server that is killed.

``CHAOS_WORLDS`` is the folder of the worlds. A world is named by the run, up to a ``#``.
"""

import copy
import fcntl
import importlib
import json
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

from pydantic_core import to_jsonable_python

from onehop import Tool, ToolContext, ToolFailed, Tools

INSTALL: Final = "pip install --no-deps agentdojo && pip install deepdiff docstring-parser"
_VERSION: Final = "v1.2.2"
_WRITING: Final = {"get_webpage"}
"""What changes the world, whatever its name says: the pages that were asked for are kept."""
_READING: Final = ("get_", "search_", "list_", "read_", "check_")


def suites() -> dict[str, Any]:
    """Each suite, by name. The package that speaks to models is not run: it would import the kits
    of four vendors, and neither tasks nor tools need it."""
    found = find_spec("agentdojo")
    assert found is not None, INSTALL
    assert found.submodule_search_locations is not None
    root = Path(found.submodule_search_locations[0])
    for name in ("agent_pipeline", "agent_pipeline.llms"):
        package = ModuleType(f"agentdojo.{name}")
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules.setdefault(package.__name__, package)
    model = ModuleType("agentdojo.agent_pipeline.llms.google_llm")
    vars(model)["EMPTY_FUNCTION_NAME"] = ""  # all that is wanted of it
    sys.modules.setdefault(model.__name__, model)
    loading = importlib.import_module("agentdojo.task_suite.load_suites")
    return dict(loading.get_suites(_VERSION))


def plain(value: Any) -> Any:
    """As JSON."""
    return to_jsonable_python(value, fallback=str)


class World:
    """The state of one task, and the calls that have changed it, in a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name.partition("#")[0]

    def write(self, env: Any, applied: list[str]) -> None:
        """All of it, or nothing."""
        new = self.path.with_suffix(".new")
        new.write_bytes(pickle.dumps((env, applied)))
        new.replace(self.path)

    def read(self) -> tuple[Any, list[str]]:
        env, applied = pickle.loads(self.path.read_bytes())
        return env, applied

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def call_of(tool: str, arguments: dict[str, Any]) -> str:
    """A call in a word."""
    return json.dumps([tool, plain(arguments)], sort_keys=True)


def is_reading(name: str) -> bool:
    """Whether the tool changes nothing."""
    return name.startswith(_READING) and name not in _WRITING


def run_in(env: Any, function: Any, given: dict[str, Any]) -> Any:
    """As AgentDojo runs a function: arguments by its model, and what it needs of the world."""
    arguments = function.parameters.model_validate(given).model_dump()
    needs = {name: each.extract_dep_from_env(env) for name, each in function.dependencies.items()}
    return function(**arguments, **needs)


def tool_of(function: Any, folder: Path) -> Tool:
    """A function of a suite."""

    def call(context: ToolContext, **given: Any) -> Any:
        world = World(folder, context.request_id)
        with world.alone():
            env, applied = world.read()
            try:
                answer = copy.deepcopy(plain(run_in(env, function, given)))
            except Exception as error:
                raise ToolFailed(f"{type(error).__name__}: {error}") from None
            if not is_reading(function.name):
                world.write(env, [*applied, call_of(function.name, given)])
            return answer

    schema = function.parameters.model_json_schema()
    effect: Literal["read", "write"] = "read" if is_reading(function.name) else "write"
    return Tool(function.name, call, function.description, schema, effect=effect)


if "CHAOS_WORLDS" in os.environ:
    _folder = Path(os.environ["CHAOS_WORLDS"])
    tools = Tools(**{n: [tool_of(f, _folder) for f in s.tools] for n, s in suites().items()})

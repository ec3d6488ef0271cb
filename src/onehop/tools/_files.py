"""Tools from Python files that settings name."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

from onehop.errors import ConfigError
from onehop.tools._compose import Tools
from onehop.tools._tool import Tool

_LINE: Final = 200
"""Characters of a line that an error shows."""
_NAME: Final = "tools"
"""Of the global that says what a file offers; without it, all tools of the file's own are."""


def load_tools(files: Iterable[str]) -> Tools:
    """What the files offer: their global ``tools``, a ``Tools`` or a list; else each ``Tool`` among
    their globals, such as a function that is decorated with ``@tool``.

    Runs the files. Raises ConfigError for one that cannot be run, or offers nothing.
    """
    return Tools(*(_offered(Path(file)) for file in files))


def _offered(path: Path) -> Tools:
    module = _run(path)
    given = getattr(module, _NAME, None)
    if isinstance(given, Tools):
        return given
    if isinstance(given, list | tuple):
        return Tools(*given)
    found = {id(each): each for each in vars(module).values() if isinstance(each, Tool)}
    if not found:
        raise ConfigError(str(path), "it has no tools: decorate functions with @onehop.tool")
    return Tools(*found.values())


def undecorated(files: Iterable[str]) -> dict[str, list[str]]:
    """Public functions of files that were loaded which are not tools, by file, where the file does
    not say with ``tools`` what it offers: a decorator may have been forgotten."""
    found = {file: sys.modules.get(_module_name(Path(file))) for file in files}
    named = {file: _left_out(module) for file, module in found.items() if module is not None}
    return {file: names for file, names in named.items() if names}


def _left_out(module: ModuleType) -> list[str]:
    values = vars(module)
    if _NAME in values:
        return []
    called = {id(inspect.unwrap(each.call)) for each in values.values() if isinstance(each, Tool)}
    return [
        name
        for name, each in values.items()
        if inspect.isfunction(each)
        and each.__module__ == module.__name__
        and not name.startswith("_")
        and id(each) not in called
    ]


def _module_name(path: Path) -> str:
    # Two files of one name in different folders are two modules.
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"onehop_tools_{path.stem}_{digest}"


def _run(path: Path) -> ModuleType:
    spec = spec_from_file_location(_module_name(path), path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(str(path), "no Python file has this name")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        reason = f"it cannot be run: {type(error).__name__}: {error}{_place(error, path)}"
        raise ConfigError(str(path), reason) from error
    return module


def _place(error: Exception, path: Path) -> str:
    """The line of the file where it went wrong; of an error elsewhere, the line that led there."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return ""  # its own words have the line
    frames = traceback.extract_tb(error.__traceback__)
    found = [frame for frame in frames if frame.filename == str(path)]
    if not found:
        return ""
    return f" (line {found[-1].lineno}: {(found[-1].line or '')[:_LINE]})"

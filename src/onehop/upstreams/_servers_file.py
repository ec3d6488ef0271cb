"""The file with ``mcpServers`` that other MCP clients keep: what of it can be used here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onehop.errors import ConfigError
from onehop.limits import MIB
from onehop.upstreams._options import read_options

_KEYS: Final = ("mcpServers", "servers")
"""Where clients keep them; the second is VS Code's."""
_TAKEN: Final = ("command", "args", "env", "cwd", "url", "headers")
_OTHER_NAMES: Final = {"serverUrl": "url", "httpUrl": "url", "http_headers": "headers"}
_TRANSPORTS: Final = ("stdio", "http", "streamable-http", "streamableHttp", "streamable_http")
_KIND: Final = ("type", "transport", "transportType")
_VARIABLE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)\}")
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")


@dataclass(slots=True)
class Servers:
    """What was found in a file."""

    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Options by namespace."""
    left: dict[str, str] = field(default_factory=dict)
    """What was left out, by its place in the file, and why."""


def read_servers(path: str) -> Servers:
    """Read a file. Raises ConfigError for one that cannot be read, or has no servers."""
    given = _servers_in(path)
    found = Servers()
    for name, entry in given.items():
        _take(str(name), entry, found)
    return found


def _servers_in(path: str) -> dict[str, Any]:
    document = _parse(path, _read(path))
    for key in _KEYS:
        if isinstance(document, dict) and isinstance(document.get(key), dict):
            servers: dict[str, Any] = document[key]
            return servers
    raise ConfigError(path, "it has no object mcpServers")


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MIB + 1)
    except OSError as error:
        raise ConfigError(path, f"the file cannot be read: {error.strerror}") from None
    if len(data) > MIB:
        raise ConfigError(path, f"it has more than {MIB} bytes")
    return data


def _parse(path: str, data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        where = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(path, f"it is not JSON{where}") from None


def _take(name: str, entry: Any, found: Servers) -> None:
    if (reason := _reason_against(entry)) is not None:
        found.left[name] = reason
        return
    options: dict[str, Any] = {}
    for key, value in entry.items():
        known = _OTHER_NAMES.get(key, key)
        if known in _TAKEN and value:
            options[known] = value
        elif known not in (*_TAKEN, *_KIND, "disabled", "enabled"):
            found.left[f"{name}.{key}"] = "onehop has nothing that is like it"
    try:
        made = _with_references(options)
        read_options(made)
    except ConfigError as error:
        found.left[name] = str(error).removeprefix("upstream: ")
        return
    namespace = name.replace(".", "_")
    if namespace in found.taken:
        found.left[name] = f"another server is named {namespace}"
    else:
        found.taken[namespace] = made


def _reason_against(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return "it is not an object"
    if entry.get("disabled") is True or entry.get("enabled") is False:
        return "it is disabled"
    if _is_onehop(entry):
        return "it is onehop itself"
    kind = next((entry[key] for key in _KIND if key in entry), None)
    if kind == "sse":
        return "it speaks the old transport sse, which onehop does not"
    if kind is not None and kind not in _TRANSPORTS:
        return "its type is none that onehop knows"
    return None


def _is_onehop(entry: Mapping[str, Any]) -> bool:
    """By its own name, or by a runner as in ``uvx onehop mcp`` or ``python -m onehop mcp``."""
    arguments = entry.get("args")
    words = [entry.get("command"), *(arguments if isinstance(arguments, list) else ())]
    names = {Path(word).name.removesuffix(".exe") for word in words if isinstance(word, str)}
    return "onehop" in names


def _with_references(options: Mapping[str, Any]) -> dict[str, Any]:
    """``${NAME}`` becomes ``env:NAME`` where a secret may be; elsewhere it cannot be used."""
    made = dict(options)
    for table in ("env", "headers"):
        if isinstance(made.get(table), dict):
            made[table] = {
                name: _reference(f"{table}.{name}", value) for name, value in made[table].items()
            }
    for key in ("command", "cwd", "url"):
        _refuse_placeholder(key, made.get(key))
    for index, text in enumerate(made.get("args") or ()):
        _refuse_placeholder(f"args.{index}", text)
    return made


def _reference(place: str, value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str) or "${" not in value:
        return value
    for scheme in ("", "Bearer ", "Basic ", "Token "):
        if value.startswith(scheme) and (one := _VARIABLE.fullmatch(value.removeprefix(scheme))):
            return f"{scheme}env:{one[1]}"
    _refuse_placeholder(place, value)
    return value


def _refuse_placeholder(place: str, value: Any) -> None:
    if isinstance(value, str) and (found := _PLACEHOLDER.search(value)):
        raise ConfigError(place, f"{found[0]} is something that only its client can fill in")

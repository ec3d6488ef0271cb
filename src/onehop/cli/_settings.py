"""Each setting with its value and where that came from, and every problem at its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr

from onehop.cli._environment import unknown
from onehop.config import (
    SECTIONS,
    UPSTREAM,
    Settings,
    ToolsConfig,
    WebhookConfig,
    checked_value,
    env_name,
    parse_settings,
    parse_variable,
    read_settings,
    settings_file,
)
from onehop.errors import ConfigError

Options = Mapping[tuple[str, str], tuple[str, Any]]
"""From a setting, as section and name, to the option that sets it and its value."""

_FILE: Final = "ONEHOP_CONFIG"
_AT_LINE: Final = re.compile(r" \(at line (\d+), column (\d+)\)")
_HEADER: Final = re.compile(r"\s*\[\s*([\w.\"' -]+?)\s*\]")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as a command would use it."""

    section: type[Settings]
    name: str
    value: Any
    source: str
    """default, file, environment or option."""
    place: str = ""
    """The file and line, the variable, or the option."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where."""

    place: str
    message: str


@dataclass(slots=True)
class Judgement:
    """What the settings come to."""

    settings: list[Setting] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)
    """Variables that look like ours and are not; they keep nothing from running."""


def judge(environ: Mapping[str, str], options: Options | None = None) -> Judgement:
    """Gather every setting from its default, the file, ``environ`` and ``options``."""
    judged = Judgement()
    file = _read(environ, judged)
    judged.unknown += [Problem(name, told) for name, told in unknown(environ)]
    for section in SECTIONS:
        found = dict(_section(section, file, environ, options or {}, judged))
        judged.settings += found.values()
        _check_whole(section, found, judged)
        if section is ToolsConfig:
            _judge_rules(found, judged)
        if section is WebhookConfig:
            _judge_webhook(found, judged)
    judged.problems[:] = dict.fromkeys(judged.problems)
    return judged


def problem_of(error: ConfigError, problems: Sequence[Problem]) -> Problem | None:
    """The problem among ``problems`` that a command stumbled over with ``error``."""
    words = _without_value(str(error))
    for each in problems:
        told = _without_value(each.message)
        if told == words or told.endswith(f"] {words}"):
            return each
    return next((each for each in problems if each.place.startswith(f"{error.field}:")), None)


def _without_value(message: str) -> str:
    return message.partition(" (got ")[0]


class SettingsFile:
    """A settings file that was read, and the lines that its settings are on."""

    def __init__(self, path: Path, text: str, tables: dict[str, Any]) -> None:
        self.path = path
        self.tables = tables
        self._lines = text.splitlines()

    def place(self, table: str, name: str | None = None) -> str:
        """The file, and the line of a setting or its table if it is known."""
        line = self._line(table, name) or self._line(table, None)
        return f"{self.path}:{line}" if line else str(self.path)

    def _line(self, table: str, name: str | None) -> int | None:
        current = ""
        for number, line in enumerate(self._lines, 1):
            header = _HEADER.match(line)
            current = header[1].strip("\"'") if header else current
            if name is None and header and (current == table or current.startswith(f"{table}.")):
                return number
            if name is not None and _sets(line, f"{table}.{name}" if not current else name):
                if current in (table, ""):
                    return number
            elif name is None and _sets(line, table) and not current:
                return number
        return None


def _sets(line: str, name: str) -> bool:
    return re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]", line) is not None


def _read(environ: Mapping[str, str], judged: Judgement) -> SettingsFile | None:
    try:
        path = settings_file(environ)
        if path is None:
            return None
        text = read_settings(path)
        file = SettingsFile(path, text, parse_settings(path, text))
    except ConfigError as error:
        judged.problems.append(_placed(error))
        return None
    _find_unknown(file, judged)
    return file


def settings_file_of(environ: Mapping[str, str]) -> SettingsFile | None:
    """The file in use, with its lines; None where there is none, or it cannot be read."""
    return _read(environ, Judgement())


def _placed(error: ConfigError) -> Problem:
    """The line of a TOML error belongs to the place."""
    message = str(error).removeprefix(f"{error.field}: ")
    at = _AT_LINE.search(message)
    if at is None:
        return Problem(error.field, message)
    return Problem(f"{error.field}:{at[1]}:{at[2]}", _AT_LINE.sub("", message))


def _find_unknown(file: SettingsFile, judged: Judgement) -> None:
    tables = {section.table: section for section in SECTIONS}
    for table, content in file.tables.items():
        if table == UPSTREAM:
            _judge_upstreams(content, file, judged)
        elif table not in tables:
            judged.problems.append(Problem(file.place(table), _unknown(table, content)))
        elif not isinstance(content, dict):
            told = f"{table} is not a table: write [{table}]"
            judged.problems.append(Problem(file.place(table), told))
        else:
            names = list(tables[table].model_fields)
            for name in content.keys() - set(names):
                told = f"unknown setting {name} in [{table}]{_hint(name, names)}"
                judged.problems.append(Problem(file.place(table, name), told))


def _unknown(name: str, content: Any) -> str:
    """Of a table that does not exist, or a setting that stands before all tables."""
    if isinstance(content, dict):
        known = [section.table for section in SECTIONS]
        return f"unknown table [{name}]{_hint(name, [*known, UPSTREAM])}"
    homes = [section.table for section in SECTIONS if name in section.model_fields]
    advice = f": write it below {' or '.join(f'[{home}]' for home in homes)}" if homes else ""
    return f"{name} is in no table{advice}"


def _judge_upstreams(content: Any, file: SettingsFile, judged: Judgement) -> None:
    """Each server's table by itself."""
    from onehop.upstreams import read_table

    if not isinstance(content, dict):
        told = f"{UPSTREAM} is not a table: write [{UPSTREAM}.NAME]"
        judged.problems.append(Problem(file.place(UPSTREAM), told))
        return
    for name, options in content.items():
        table = f"{UPSTREAM}.{name}"
        if not isinstance(options, dict):
            told = f"{table}: it is not a table: each server has one, [{UPSTREAM}.NAME]"
            judged.problems.append(Problem(file.place(UPSTREAM, name), told))
            continue
        try:
            read_table(options, table)
        except ConfigError as error:
            setting = error.field.removeprefix(f"{table}.").partition(".")[0]
            judged.problems.append(Problem(file.place(table, setting), str(error)))


def _judge_rules(found: Mapping[str, Setting], judged: Judgement) -> None:
    """Rules that cannot be any."""
    from onehop.execution.compose import configured_rules

    for name in ("deny", "ask", "rules"):
        setting = found[name]
        try:
            configured_rules(**{name: setting.value})
        except ConfigError as error:
            judged.problems.append(Problem(setting.place, str(error)))


def _judge_webhook(found: Mapping[str, Setting], judged: Judgement) -> None:
    """An address or a secret that the webhook could not use."""
    if judged.problems or found["url"].value is None:
        return
    from onehop.execution.webhooks import address_of, secret_of

    config = WebhookConfig(**{name: each.value for name, each in found.items()})
    for name, read in (("url", address_of), ("secret", secret_of)):
        try:
            read(config)
        except ConfigError as error:
            place = found[name].place or found["url"].place
            judged.problems.append(Problem(place, str(error)))


def _hint(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _section(
    section: type[Settings],
    file: SettingsFile | None,
    environ: Mapping[str, str],
    options: Options,
    judged: Judgement,
) -> Iterator[tuple[str, Setting]]:
    for name, each in section.model_fields.items():
        yield name, Setting(section, name, each.default, "default")
        for source, place, value in _given(section, name, file, environ, options, judged):
            try:
                held = checked_value(section, name, value)
            except ConfigError as error:
                message = str(error).removeprefix(f"{error.field}: ")
                got = "" if _is_secret(each.annotation) else f" (got {repr(value)[:80]})"
                told = f"[{section.table}] {name}: {message}{got}"
                judged.problems.append(Problem(place, told))
            else:
                yield name, Setting(section, name, held, source, place)


def _is_secret(annotation: Any) -> bool:
    return SecretStr in (annotation, *get_args(annotation))


def _given(
    section: type[Settings],
    name: str,
    file: SettingsFile | None,
    environ: Mapping[str, str],
    options: Options,
    judged: Judgement,
) -> Iterator[tuple[str, str, Any]]:
    """Source, place and value of a setting wherever it is set; the last one counts."""
    table = file.tables.get(section.table) if file else None
    if file and isinstance(table, dict) and name in table:
        yield "file", file.place(section.table, name), table[name]
    variable = env_name(section.model_fields[name])
    if variable in environ:
        annotation = section.model_fields[name].annotation
        try:
            yield "environment", variable, parse_variable(variable, annotation, environ[variable])
        except ConfigError as error:
            judged.problems.append(_placed(error))
    if (section.table, name) in options:
        option, value = options[section.table, name]
        yield "option", option, value


def _check_whole(section: type[Settings], found: Mapping[str, Setting], judged: Judgement) -> None:
    """Bounds between two settings, when each alone is fine."""
    if judged.problems:
        return
    try:
        section(**{name: each.value for name, each in found.items()})
    except ConfigError as error:
        message = str(error).removeprefix("config: ")
        judged.problems.append(Problem(f"[{section.table}]", message))


@contextmanager
def named(file: str | None) -> Iterator[Mapping[str, str]]:
    """The environment, with ``file`` as the settings file if it is given."""
    before = os.environ.get(_FILE)
    if file is not None:
        os.environ[_FILE] = file
    try:
        yield os.environ
    finally:
        if before is not None:
            os.environ[_FILE] = before
        elif file is not None:
            del os.environ[_FILE]

"""What every table of settings is: checked, frozen, filled in from the environment and the file.

A table is not a model of pydantic, which takes longer to load than all of onehop: a run with the
usual settings needs none. What checks values and describes a table is one, see ``_model``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self

from onehop.config._environment import from_environment
from onehop.config._file import from_file
from onehop.errors import ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


_TEXTS: Final = frozenset({"str", "str | None"})
"""Annotations of settings that may be any text."""


class Declared:
    """A setting as its table declares it."""

    def __init__(self, default: Any, env: str, help_text: str, bounds: Mapping[str, Any]) -> None:
        self.default = default
        self.env = env
        self.help_text = help_text
        self.bounds = bounds


def setting(default: Any, env: str, help_text: str, **bounds: Any) -> Any:
    """A field with its default, the environment variable that sets it, what it is for, and what
    ``pydantic.Field`` takes to bound it."""
    return Declared(default, env, help_text, bounds)


class _Fields:
    """What pydantic knows of each setting, by name."""

    def __get__(self, instance: Settings | None, table: type[Settings]) -> dict[str, FieldInfo]:
        from onehop.config._model import model_of

        return model_of(table).model_fields


class Settings:
    """One table of ``onehop.toml``. Raises ConfigError that names the field that is unusable."""

    table: ClassVar[str]
    """Its name in the file."""
    declared: ClassVar[Mapping[str, Declared]]
    """Its settings, by name."""
    model: ClassVar[Any]
    """What checks it, once that was needed."""
    model_fields: ClassVar[_Fields] = _Fields()

    def __init_subclass__(cls) -> None:
        own = {name: each for name, each in vars(cls).items() if isinstance(each, Declared)}
        for name in own:  # an instance has the value
            delattr(cls, name)
        cls.declared, cls.model = own, None

    def __init__(self, **settings: Any) -> None:
        """Take ``settings``, and fill in what they leave out from the environment and the file."""
        given = {**self._found(), **settings}
        if not all(self._is_plain(name, value) for name, value in given.items()):
            from onehop.config._model import checked

            given = checked(type(self), given)
        self._hold(given)
        try:
            self.check()
        except ValueError as error:
            raise ConfigError("config", str(error)) from None

    def check(self) -> None:
        """Bounds between two settings. Raises ValueError."""

    @classmethod
    def takes_text(cls, name: str) -> bool:
        """Whether the setting may be any text. To learn how to check one takes 20 ms, and a plain
        run often has a path or two in its environment."""
        return cls.__annotations__[name] in _TEXTS and not cls.declared[name].bounds

    @classmethod
    def _is_plain(cls, name: str, value: Any) -> bool:
        """Whether there is nothing to check."""
        return type(value) is str and name in cls.declared and cls.takes_text(name)

    @classmethod
    def _found(cls) -> dict[str, Any]:
        """What the file says, and the environment."""
        return {
            **from_file(cls.table, cls.declared, os.environ),
            **from_environment(cls, os.environ),
        }

    def _hold(self, given: Mapping[str, Any]) -> None:
        defaults = {name: copy(each.default) for name, each in self.declared.items()}
        vars(self).update(defaults | dict(given), model_fields_set=set(given))

    model_fields_set: set[str]
    """The settings that were given, or found: not by default what they are."""

    def replace(self, **changes: Any) -> Self:
        """A copy with ``changes``, checked like a new one."""
        return type(self)(**{**self._values(), **changes})

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.declared}

    # --- as any value that is frozen ---

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: use replace({name}=…)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values().values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._values().items())
        return f"{type(self).__name__}({shown})"

    # --- as a model of pydantic ---

    @classmethod
    def model_validate(cls, given: Mapping[str, Any]) -> Self:
        """The settings that ``given`` has by name. Raises ConfigError."""
        return cls(**given)

    @classmethod
    def model_construct(cls, **given: Any) -> Self:
        """Settings that nobody checks; those that are not ``given`` are the usual ones."""
        made = cls.__new__(cls)
        made._hold(given)
        return made

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the table."""
        from onehop.config._model import model_of

        return model_of(cls).model_json_schema()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values that nobody checks."""
        changes = update or {}
        values = deepcopy(self._values()) if deep else self._values()
        made = self.model_construct(**{**values, **changes})
        vars(made)["model_fields_set"] = self.model_fields_set | set(changes)
        return made

    def model_dump(self, **how: Any) -> dict[str, Any]:
        """The values by name; ``how`` as pydantic takes it."""
        if not how:
            return {name: copy(value) for name, value in self._values().items()}
        from onehop.config._model import as_model

        return as_model(self).model_dump(**how)

    def model_dump_json(self, **how: Any) -> str:
        """The same as JSON text."""
        from onehop.config._model import as_model

        return as_model(self).model_dump_json(**how)

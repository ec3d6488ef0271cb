"""Data classes that are cheap to define.

``dataclasses`` writes and compiles up to six methods for each class, which took a sixth of the time
until the first result. Here only ``__init__`` is made; the others are the same few functions for
all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["data"]

if TYPE_CHECKING:
    from dataclasses import dataclass as data
else:
    import dataclasses

    def data(*, frozen, slots):
        """``dataclasses.dataclass`` with equality and a repr; ``frozen`` gives a hash. That nobody
        assigns to a frozen one is checked by mypy only."""

        def decorate(cls):
            cls.__eq__ = _equals
            cls.__hash__ = _hash if frozen else None
            cls.__repr__ = _repr
            return dataclasses.dataclass(cls, slots=slots, eq=False, repr=False)

        return decorate

    def _values(instance):
        return tuple(getattr(instance, name) for name in instance.__dataclass_fields__)

    def _equals(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def _hash(self):
        return hash(_values(self))

    def _repr(self):
        shown = zip(self.__dataclass_fields__, _values(self), strict=True)
        fields = ", ".join(f"{name}={value!r}" for name, value in shown)
        return f"{type(self).__qualname__}({fields})"

"""Data classes that are cheap to define behave like those of ``dataclasses``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace

import pytest

from onehop._data import data


@data(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


@data(frozen=True, slots=True)
class Place:
    x: int
    y: int


@data(frozen=False, slots=True)
class Count:
    n: int


@dataclass(frozen=True, slots=True)
class Model:
    x: int
    y: int = 2


def test_they_are_equal_by_class_and_values_and_show_them() -> None:
    assert Point(1) == Point(1, 2, [])
    assert Point(1) != Point(2)
    other: object = Model(1, 2)
    assert Place(1, 2) != other
    assert repr(Place(1, 2)) == repr(Model(1, 2)).replace("Model", "Place")


def test_a_frozen_one_is_a_key_and_another_is_not() -> None:
    assert {Place(1, 2): "here"}[Place(1, 2)] == "here"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Count(1))


def test_the_functions_of_dataclasses_take_them() -> None:
    assert replace(Point(1), y=3) == Point(1, 3)
    assert asdict(Point(1)) == {"x": 1, "y": 2, "tags": []}
    assert [each.name for each in fields(Place)] == ["x", "y"]
    match Place(1, 2):
        case Place(x, y):
            assert (x, y) == (1, 2)


def test_they_have_no_room_for_other_names() -> None:
    with pytest.raises(AttributeError):
        Count(1).m = 2  # type: ignore[attr-defined]

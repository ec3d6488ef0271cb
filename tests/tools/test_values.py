"""What a function returns is JSON by stated rules, or is refused with its place."""

from __future__ import annotations

import enum
import json
import uuid
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, HttpUrl, RootModel, SecretStr, computed_field

from onehop import ToolError, tool
from onehop.tools import Bound
from tests.tools.calling import CONTEXT, bound


class Level(enum.IntEnum):
    HIGH = 3


class Colour(enum.Enum):
    RED = "red"


class Flag(enum.StrEnum):
    ON = "on"


class Pair(NamedTuple):
    a: int
    b: Decimal


@dataclass
class Item:
    name: str
    price: Decimal = Decimal("1.10")
    children: list[Item] = field(default_factory=list)


class Person(BaseModel):
    first_name: str = Field(alias="firstName")
    born: date
    photo: bytes = b""
    items: list[Item] = []
    site: HttpUrl | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def label(self) -> str:
        return self.first_name.upper()


class Numbers(RootModel[list[int]]):
    pass


def returning(value: Any) -> Bound:
    @tool(effect="read")
    async def give() -> Any:
        return value

    return bound(give)


async def json_of(value: Any, **options: Any) -> Any:
    return json.loads(await returning(value).invoke({}, CONTEXT, **options))


async def refusal_of(value: Any, **options: Any) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await json_of(value, **options)
    assert caught.value.tool == "give"
    return caught.value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("ü\U0001f600\x00", "ü\U0001f600\x00"),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (1.5, 1.5),
        (Decimal("1.10"), "1.10"),
        (b"\x01\x02", {"$bytes": "AQI="}),
        (bytearray(b"\x01"), {"$bytes": "AQ=="}),
        (memoryview(b"\x01\x02\x03")[::2], {"$bytes": "AQM="}),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ((1, (2,)), [1, [2]]),
        (deque([1]), [1]),
        (Pair(1, Decimal(2)), [1, "2"]),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (time(3, 4), "03:04:00"),
        (timedelta(hours=1), "PT1H"),
        (Level.HIGH, 3),
        (Colour.RED, "red"),
        (Flag.ON, "on"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (ip_address("::1"), "::1"),
        ({1: "a", Colour.RED: 1, date(2026, 1, 2): 2}, {"1": "a", "red": 1, "2026-01-02": 2}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({"__proto__": 1, "then": 2, "": 3}, {"__proto__": 1, "then": 2, "": 3}),
        (Item("x", children=[Item("y")]), None),
        (Numbers([2**60]), [str(2**60)]),
    ],
)
async def test_each_kind_has_its_json(value: Any, expected: Any) -> None:
    if isinstance(value, Item):
        inner = {"name": "y", "price": "1.10", "children": []}
        expected = {"name": "x", "price": "1.10", "children": [inner]}
    assert await json_of(value) == expected


async def test_a_very_long_integer_is_text_too() -> None:
    assert await json_of(10**5000) == "1" + "0" * 5000


async def test_a_model_is_written_by_its_aliases_and_its_leaves_by_the_same_rules() -> None:
    person = Person.model_validate(
        {
            "firstName": "Ada",
            "born": date(1815, 12, 10),
            "photo": b"\x01",
            "items": [Item("x")],
            "site": "https://example.com/",
        }
    )
    assert await json_of([person]) == [
        {
            "firstName": "Ada",
            "born": "1815-12-10",
            "photo": {"$bytes": "AQ=="},
            "items": [{"name": "x", "price": "1.10", "children": []}],
            "site": "https://example.com/",
            "label": "ADA",
        }
    ]


async def test_a_secret_of_a_model_stays_one() -> None:
    class Login(BaseModel):
        password: SecretStr

    assert "hunter2" not in json.dumps(await json_of(Login(password=SecretStr("hunter2"))))


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (float("nan"), None),
        ({"a": [1, float("inf")]}, "a.1"),
        ([{"b": -float("inf")}], "0.b"),
        (Decimal("NaN"), None),
        ({"a": object()}, "a"),
        ([lambda: 1], "0"),
        ({"rows": [{"id": 1}, {"id": 1j}]}, "rows.1.id"),
        (numbers(), None),
        (range(3), None),
        ({}.keys(), None),
        (Item, None),
        ({(1, 2): 1}, None),
        ({True: 1}, None),
        ({1: 1, "1": 2}, None),
        ({"a": 1, "b": [{"c": 1, (1, 2): 1}]}, "b.0"),
        ({"a": "\ud800"}, "a"),
        ({"\ud800": 1}, None),
        (ValueError("x"), None),
        (Item("x", price=float("nan")), "price"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_not_json_is_refused_with_its_place(value: Any, place: str | None) -> None:
    error = await refusal_of(value)
    assert (error.code, error.field) == ("invalid_result", place)


async def test_a_cycle_is_refused() -> None:
    cycle: list[Any] = []
    cycle.append({"a": cycle})
    error = await refusal_of(cycle)
    assert error.code == "invalid_result"
    assert "a cycle" in error.message


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1001,
        [0] * 501,
        {"k" * 1001: 1},
        b"x" * 1001,
        10**1001,
        ["ü" * 501],
        {"a": "\x00" * 200},
    ],
    ids=["text", "list", "key", "bytes", "int", "umlauts", "escapes"],
)
async def test_what_is_too_large_is_refused(value: Any) -> None:
    assert (await refusal_of(value, largest=1000)).code == "too_large"


async def test_a_value_that_repeats_itself_is_given_up_before_it_fills_the_memory() -> None:
    laughs: list[Any] = ["ha"]
    for _ in range(40):
        laughs = [laughs] * 10
    assert (await refusal_of(laughs)).code == "too_large"


async def test_a_large_value_is_written_whole() -> None:
    rows = [{"id": number, "name": str(number)} for number in range(30_000)]
    assert await json_of(rows) == rows


def test_the_limit_of_a_result_is_four_mib() -> None:
    from onehop import ToolLimits

    assert ToolLimits().result == 4 * 1024 * 1024


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain)
async def test_plain_data_comes_back_as_it_is(value: Any) -> None:
    made = await returning(value).invoke({}, CONTEXT)
    assert json.loads(made) == value
    largest = len(made)
    assert await returning(value).invoke({}, CONTEXT, largest=largest) == made
    assert (await refusal_of(value, largest=largest - 1)).code == "too_large"

"""A function's signature is its tool: schema, words, and arguments of the annotated types."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from onehop import ConfigError, Tool, ToolContext, Tools, tool
from onehop.tools import Catalogue
from tests.tools.calling import CONTEXT, bound, call, call_with, failure, refusal

pytestmark = pytest.mark.unit


class Person(BaseModel):
    """A person."""

    name: str
    zip: str = Field(default="", alias="zipCode")


@dataclass
class Order:
    number: int
    tags: list[str] = field(default_factory=list)


nothing = object()


class Place(TypedDict):
    city: str
    street: NotRequired[str]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def kinds(
    person: Person,
    order: Order,
    place: Place,
    colour: Colour,
    day: date,
    price: Decimal,
    which: int | str,
    mode: Literal["fast", "slow"] = "fast",
    limit: Annotated[int, Field(ge=1, description="How many.")] = 10,
) -> Annotated[list[str], Field(description="The names of the types.")]:
    """Name the types of what came."""
    return [
        type(one).__name__ for one in (person, order, place, colour, day, price, which, mode, limit)
    ]


KINDS: dict[str, Any] = {
    "person": {"name": "Ada", "zipCode": "1"},
    "order": {"number": 3, "tags": ["a"]},
    "place": {"city": "Bern"},
    "colour": "red",
    "day": "2026-01-02",
    "price": "1.50",
    "which": "x",
}


async def test_arguments_arrive_as_the_annotated_types() -> None:
    assert await call(kinds, **KINDS) == [
        *("Person", "Order", "dict", "Colour", "date", "Decimal", "str", "str", "int")
    ]


async def test_an_int_of_a_union_stays_an_int() -> None:
    assert (await call(kinds, **{**KINDS, "which": 5}))[6] == "int"


def test_the_schema_has_types_defaults_bounds_and_words() -> None:
    schema = bound(kinds).input_schema
    assert schema["required"] == ["person", "order", "place", "colour", "day", "price", "which"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["limit"] == {
        "default": 10,
        "description": "How many.",
        "minimum": 1,
        "type": "integer",
    }
    assert schema["properties"]["mode"]["enum"] == ["fast", "slow"]
    assert schema["$defs"]["Person"]["properties"].keys() == {"name", "zipCode"}
    assert bound(kinds).parameters[-3:] == ("which*", "mode", "limit")


def test_the_declared_result_has_a_schema_with_its_words() -> None:
    assert bound(kinds).output_schema == {
        "description": "The names of the types.",
        "items": {"type": "string"},
        "type": "array",
    }


def test_a_result_that_is_not_declared_has_none() -> None:
    def bare():  # type: ignore[no-untyped-def]
        return 1

    assert bound(bare).output_schema is None


GOOGLE = """Find people.

    All of them, at once.

    Args:
        name: Who
            to look for.
        limit (int): How many: at most.

    Returns:
        The people.
    """
NUMPY = """Find people.

    All of them, at once.

    Parameters
    ----------
    name : str
        Who
        to look for.
    limit : int
        How many: at most.

    Returns
    -------
    list
        The people.
    """
SPHINX = """Find people.

    All of them, at once.

    :param name: Who
        to look for.
    :param int limit: How many: at most.
    :returns: The people.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_the_docstring_gives_the_words(text: str) -> None:
    def find(name: str, limit: int = 3) -> list[str]:
        return [name] * limit

    find.__doc__ = text
    made = bound(find)
    assert made.description == "Find people.\n\nAll of them, at once."
    properties = made.input_schema["properties"]
    assert properties["name"]["description"].split() == "Who to look for.".split()
    assert properties["limit"]["description"] == "How many: at most."
    assert made.output_schema is not None
    assert made.output_schema["description"] == "The people."


def test_words_of_the_annotation_go_before_those_of_the_docstring() -> None:
    def find(name: Annotated[str, Field(description="Mine.")]) -> None:
        """Find.

        Args:
            name: Theirs.
        """

    assert bound(find).input_schema["properties"]["name"]["description"] == "Mine."


def test_a_description_that_is_given_replaces_the_docstring() -> None:
    @tool(description="Given.")
    def find() -> None:
        """Found."""

    assert bound(find).description == "Given."


async def test_a_context_is_filled_in_and_is_not_a_parameter() -> None:
    def who(name: str, context: ToolContext, other: ToolContext | None = None) -> list[str]:
        assert other is context
        return [name, context.agent_id, context.request_id, context.tool]

    assert bound(who).parameters == ("name*",)
    assert await call(who, name="x") == ["x", "agent", "request", "who"]


async def test_defaults_are_the_functions_own() -> None:
    kept: list[int] = []

    def same(items: list[int] = kept) -> bool:
        return items is kept

    assert bound(same).input_schema["properties"]["items"]["default"] == []
    assert await call(same) is True


async def test_parameters_may_have_names_that_models_reserve() -> None:
    def odd(model_config: int, _private: int, copy: int, json: int, self_: int) -> int:
        return model_config + _private + copy + json + self_

    names = ("model_config", "_private", "copy", "json", "self_")
    assert await call(odd, **dict.fromkeys(names, 2)) == 10


async def test_positional_keyword_and_further_arguments_are_passed() -> None:
    def all_kinds(a: int, /, b: int = 2, *rest: int, c: int, **more: int) -> list[Any]:
        return [a, b, rest, c, more]

    assert await call(all_kinds, a=1, c=3, d=4) == [1, 2, [], 3, {"d": 4}]


async def test_an_alias_is_what_the_code_writes() -> None:
    def send(from_: Annotated[str, Field(alias="from")]) -> str:
        return from_

    assert bound(send).parameters == ("from*",)
    assert await call_with(send, {"from": "me"}) == "me"


async def test_a_default_may_be_a_field() -> None:
    def find(limit: int = Field(default=7, le=9, description="How many.")) -> int:
        return limit

    assert bound(find).parameters == ("limit",)
    assert await call(find) == 7
    assert refusal(find, {"limit": 10}).expected == "at most 9"


async def test_bytes_travel_as_base64() -> None:
    def turn(data: bytes) -> bytes:
        return data[::-1]

    assert await call(turn, data={"$bytes": "AQID"}) == {"$bytes": "AwIB"}
    assert refusal(turn, {"data": "AQID"}).field == "data"
    assert refusal(turn, {"data": {"$bytes": "?"}}).field == "data"


async def test_sync_async_partial_method_and_object_can_be_called() -> None:
    class Counter:
        def __init__(self) -> None:
            self.total = 0

        @tool(effect="read")
        def add(self, n: int) -> int:
            """Add."""
            self.total += n
            return self.total

        def plain(self, n: int) -> int:
            return n

        async def __call__(self, n: int) -> int:
            return -n

    counter = Counter()
    counter.add(1)
    assert await call(counter.add, n=2) == 3
    assert bound(counter.add).effect == "read"
    assert await call(counter.plain, n=2) == 2
    assert await call(Tool("negative", counter), n=2) == -2


async def test_what_is_decorated_is_still_the_function() -> None:
    @tool(name="other", effect="destructive")
    async def remove(path: str) -> str:
        """Remove it."""
        return path

    assert await remove("x") == "x"
    assert (vars(remove)["__name__"], remove.__doc__) == ("remove", "Remove it.")
    assert (remove.name, remove.effect) == ("other", "destructive")
    assert await call(remove, path="y") == "y"


async def test_a_sync_function_may_return_what_is_awaited() -> None:
    async def later() -> int:
        return 5

    def now() -> Any:
        return later()

    assert await call(now) == 5


async def test_a_given_schema_that_names_the_parameters_calls_by_keyword() -> None:
    def add(a: int, b: int = 1) -> int:
        return a + b

    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    added = Tool("add", add, "Add.", input_schema=schema)
    assert await call(added, a=1) == 2
    refused = refusal(added, {"a": 1, "bb": 2})
    assert (refused.field, refused.nearest) == ("bb", ["b"])


async def test_a_given_schema_of_other_names_calls_with_one_dict() -> None:
    async def forward(arguments: dict[str, Any], context: ToolContext) -> Any:
        return [arguments, context.tool]

    schema = {"properties": {"a-b": {"type": "integer"}}}
    assert await call_with(Tool("x", forward, input_schema=schema), {"a-b": 1}) == [
        {"a-b": 1},
        "x",
    ]
    assert await call_with(Tool("len", len, input_schema={}), {"a": 1, "b": 2}) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: 1, "has no name: use Tool(name, call)"),
        (3, "it must be a function or a Tool"),
        (min, "the signature cannot be read"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(").replace(")", r"\)")):
        Catalogue.of(Tools(given))


def test_an_annotation_that_cannot_be_read_is_named() -> None:
    def bad(x: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
        pass

    with pytest.raises(ConfigError, match=r"tools\.bad: .*name 'Nowhere' is not defined"):
        Catalogue.of([bad])


def test_a_type_that_json_cannot_be_is_named() -> None:
    class Socket:
        pass

    def bad(x: int, s: Socket) -> None:
        pass

    bad.__annotations__["s"] = Socket
    with pytest.raises(ConfigError, match=r"tools\.bad: a parameter cannot be described: .*Socket"):
        Catalogue.of([bad])


async def test_progress_reaches_the_run_from_a_thread_and_from_a_task() -> None:
    seen: list[tuple[float, str]] = []
    context = replace(CONTEXT, on_progress=lambda *given: seen.append(given))

    def sync(context: ToolContext) -> None:
        context.progress(0.5, "half")

    async def not_sync(context: ToolContext) -> None:
        await context.progress(2, "x" * 9999)

    await bound(sync).invoke({}, context)
    await bound(not_sync).invoke({}, context)
    assert seen == [(0.5, "half"), (1.0, "x" * 500)]


async def test_a_validator_that_fails_is_the_tools_fault() -> None:
    def broken(value: Any) -> Any:
        raise KeyError(value)

    @tool
    def take(x: Annotated[int, BeforeValidator(broken)]) -> int:
        return x

    assert refusal(take, {"x": 1}).code == "internal"


async def test_a_decorated_function_may_use_types_of_the_function_around_it() -> None:
    class Local(BaseModel):
        n: int

    @tool
    def direct(local: Local) -> Local:
        return local

    @tool(effect="read")
    async def called(local: Local | None = None) -> list[Local]:
        return [local] if local else []

    assert await call(direct, local={"n": 1}) == {"n": 1}
    assert await call(called, local={"n": 1}) == [{"n": 1}]


async def test_a_default_that_json_cannot_be_is_left_out_of_the_schema() -> None:
    def take(x: int = nothing) -> bool:  # type: ignore[assignment]
        return x is nothing

    assert bound(take).input_schema["properties"]["x"] == {"type": "integer"}
    assert await call(take) is True


async def test_a_validator_of_a_parameter_that_refuses_is_a_wrong_argument() -> None:
    def on(day: date, order: Order) -> None:
        pass

    assert refusal(on, {"day": "31.12.", "order": {"number": 1}}).field == "day"
    error = await failure(bound(on), day="x", order={"number": 1})
    assert error.code == "invalid_arguments"


@pytest.mark.parametrize("value", [19.99, 0.07, 4.35, 0.29])
async def test_a_multiple_is_one_of_the_decimal_that_is_written(value: float) -> None:
    def pay(price: Annotated[float, Field(multiple_of=0.01)]) -> float:
        return price

    assert await call(pay, price=value) == value
    assert refusal(pay, {"price": 0.015}).field == "price"

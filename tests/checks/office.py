"""Twenty tools of an office, typed as servers type theirs: wholly, in part, and not at all."""

from __future__ import annotations

import json
from typing import Any, Literal, NotRequired, TypedDict

from onehop import ToolFailed, Tools, tool

Kind = Literal["staff", "guest", "bot"]


class Person(TypedDict):
    """Someone."""

    id: int
    name: str
    email: str | None
    kind: Kind
    tags: list[str]
    manager: NotRequired[int]


class Deal(TypedDict):
    """A sale, or one to be."""

    id: str
    owner: int
    amount: float
    stage: Literal["open", "won", "lost"]
    closed_at: str | None


class Page(TypedDict):
    """Some of many."""

    items: list[Deal]
    next_cursor: str | None
    total: int


class Address(TypedDict):
    """A place."""

    street: str
    zip: NotRequired[str]


PEOPLE: list[Person] = [
    {"id": 1, "name": "Ada", "email": "ada@example.com", "kind": "staff", "tags": ["vip", "eu"]},
    {"id": 2, "name": "Bob", "email": None, "kind": "guest", "tags": [], "manager": 1},
    {"id": 3, "name": "Cy", "email": "cy@example.com", "kind": "bot", "tags": ["eu"], "manager": 1},
]
DEALS: list[Deal] = [
    {"id": "d1", "owner": 1, "amount": 120.5, "stage": "won", "closed_at": "2026-01-02T03:04:05Z"},
    {"id": "d2", "owner": 1, "amount": 80, "stage": "open", "closed_at": None},
    {"id": "d3", "owner": 3, "amount": 10, "stage": "lost", "closed_at": "2026-02-02T00:00:00Z"},
]


@tool(effect="read")
def find_people(query: str = "", kind: Kind | None = None, limit: int = 10) -> list[Person]:
    """People by name."""
    found = [p for p in PEOPLE if query.lower() in p["name"].lower() and kind in (None, p["kind"])]
    return found[:limit]


@tool(effect="read")
def get_person(id: int) -> Person:  # noqa: A002
    """One of them."""
    for person in PEOPLE:
        if person["id"] == id:
            return person
    raise ToolFailed(f"nobody has the id {id}")


@tool(effect="write")
def update_person(id: int, changes: dict[str, Any]) -> Person:  # noqa: A002
    """Change some fields."""
    return {**get_person.call(id), **changes}  # type: ignore[typeddict-item]


@tool(effect="read")
def list_deals(owner: int | None = None, cursor: str | None = None, page_size: int = 2) -> Page:
    """Deals, some at a time."""
    start = int(cursor or 0)
    mine = [deal for deal in DEALS if owner in (None, deal["owner"])]
    end = start + page_size
    more = str(end) if end < len(mine) else None
    return {"items": mine[start:end], "next_cursor": more, "total": len(mine)}


@tool(effect="write")
def create_deal(owner: int, amount: float, stage: Literal["open", "won"] = "open") -> Deal:
    """A new one."""
    return {"id": "d9", "owner": owner, "amount": amount, "stage": stage, "closed_at": None}


@tool(effect="write")
def send(to: list[str], subject: str, body: str = "", cc: list[str] | None = None) -> str:
    """Send a mail."""
    return f"{len(to)}:{subject}:{len(body)}:{len(cc or [])}"


@tool(effect="read")
def search(text: str, unread: bool = False, limit: int | None = None) -> dict[str, Any]:
    """Mails with that text."""
    return {"mails": [{"id": 7, "subject": text, "unread": unread, "from": {"name": "Ada"}}]}


@tool(effect="read")
def thread(id: int) -> list[dict[str, Any]]:  # noqa: A002
    """The mails of a thread."""
    return [{"id": id, "body": "Hello"}, {"id": id + 1, "body": "Bye", "attachments": ["a.pdf"]}]


@tool(effect="read")
def list_files(folder: str = "/", deep: bool = False) -> list[str]:
    """Names of files."""
    return ["a.json", "b.csv", "c.txt"] + (["sub/d.json"] if deep else [])


@tool(effect="read")
def read_file(path: str, encoding: Literal["utf8", "base64"] = "utf8") -> str:
    """The text of one."""
    texts = {"a.json": json.dumps({"rows": [{"n": 1}, {"n": 2}]}), "b.csv": "n,m\n1,2\n3,4"}
    return texts.get(path, "plain text")


@tool(effect="write")
def write_file(path: str, text: str, mode: Literal["replace", "append"] = "replace") -> int:
    """The number of characters."""
    return len(text)


@tool(effect="read")
def forecast(city: str, days: int = 1, units: Literal["c", "f"] = "c") -> list[dict[str, float]]:
    """Highs and lows."""
    return [{"high": 20.0 + day, "low": 10.0} for day in range(days)]


@tool(effect="read")
def convert(amount: float, source: str, target: str) -> float:
    """Money into money."""
    return amount * 2


@tool(effect="read")
def total(numbers: list[float]) -> float:
    """Their sum."""
    return sum(numbers)


@tool(effect="read")
def rates() -> dict[str, float]:
    """By currency."""
    return {"EUR": 1.0, "USD": 2.0}


@tool(effect="read")
def lookup(key: Any) -> Any:
    """Whatever is there."""
    return {"key": key, "list": [1, "two", None, {"three": 3}], "nothing": None}


@tool(effect="read")
def fetch_text(path: str, headers: dict[str, str] | None = None) -> Any:
    """What is there, as text."""
    return json.dumps({"path": path, "ok": True, "rows": [{"id": 1, "v": "x"}]})


@tool(effect="read")
def events(day: str, who: list[int] | None = None) -> list[dict[str, Any]]:
    """Of a day."""
    return [{"title": "Stand-up", "at": f"{day}T09:00:00Z", "who": who or [1]}]


@tool(effect="write")
def book(title: str, at: str, minutes: int = 30, where: Address | None = None) -> bool:
    """A meeting."""
    return minutes > 0


@tool(effect="read")
def labels(prefix: str = "") -> list[str] | None:
    """None when there are none."""
    return None if prefix else ["red", "blue"]


TOOLS = Tools(
    labels,
    crm=[find_people, get_person, update_person, list_deals, create_deal],
    mail=[send, search, thread],
    files=[list_files, read_file, write_file],
    money=[convert, total, rates],
    web=[lookup, fetch_text],
    calendar=[events, book],
    weather=[forecast],
)

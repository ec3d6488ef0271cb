"""Tools by the thousand, as servers for other services declare them, the same ones each time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from onehop import Tool, Tools

_SERVICES = (
    "accounts analytics archive assets billing bookings calendar campaigns catalog chat cloud crm "
    "contracts deploy dns docs drive events expenses feeds finance fleet forms forum github grants "
    "health helpdesk hiring hotels identity inventory invoices jira kanban leads library logs "
    "mail maps market media metrics monitoring music news notes orders payments payroll phone "
    "photos polls pricing queue recipes registry reports rides sales search shipping shop slack "
    "sms social sports stock storage support survey tasks tax tickets time tours trading "
    "training translate travel video vault weather web wiki"
).split()
_REGIONS = ("", "_eu", "_us")
_VERBS = (
    "get list search create update delete add remove send export import archive restore approve "
    "cancel assign count merge move copy share lock unlock validate preview schedule"
).split()
_NOUNS = (
    "account address alert attachment balance batch branch budget card category channel charge "
    "comment company contact contract coupon customer dashboard deal device document domain draft "
    "employee event expense file filter flight folder form group host image incident invoice issue "
    "item job label lead license line link location log member meeting message metric milestone "
    "note notification offer order owner page payment permission person plan policy post price "
    "product profile project quote record refund region report request reservation review role "
    "room rule schedule segment server session shipment site snapshot stage status subscription "
    "tag task team template ticket token topic transaction transfer user vendor version video visit"
).split()
_PARAMETERS = (
    "limit cursor query since until status owner_id page_size sort_by include_archived dry_run "
    "format reason currency country language timezone labels priority due_date amount"
).split()
QUERIES = (
    "find a customer by email", "cancel an order", "create an issue in the billing project",
    "how do I refund a payment", "list messages in a channel", "export the report as csv",
    "schedule a meeting with my team", "get the weather forecast", "delete old files",
    "search invoices since last month", "who is the owner of this ticket", "update user permission",
    "send a message", "get", "approve expense", "mergeBranch", "translate document language",
    "all the subscriptions of an account, newest first, with their status and price",
    "restore snapshot of a server", "reservation",
)  # fmt: skip


def many(number: int, namespaces: int = len(_SERVICES) * len(_REGIONS)) -> Tools:
    """``number`` tools, spread over ``namespaces``."""
    spaces: dict[str, list[Tool]] = {}
    made = _tools(Random(1), namespaces)
    for _ in range(number):
        namespace, tool = next(made)
        spaces.setdefault(namespace, []).append(tool)
    return Tools(**spaces)


def _tools(random: Random, namespaces: int) -> Iterator[tuple[str, Tool]]:
    spaces = [service + region for region in _REGIONS for service in _SERVICES][:namespaces]
    names = [f"{verb}_{noun}" for verb in _VERBS for noun in _NOUNS]
    picked = {space: random.sample(names, len(names)) for space in spaces}
    while True:
        for space in spaces:
            yield space, _tool(random, picked[space].pop(), space)


def _tool(random: Random, name: str, space: str) -> Tool:
    verb, noun = name.split("_")
    words = (
        f"{verb.capitalize()} a {noun} in {space}. Needs the id of the {random.choice(_NOUNS)}; "
        f"the answer has its {random.choice(_NOUNS)} and {random.choice(_NOUNS)}."
    )
    schema = _schema(random, noun)
    return Tool(name, _call, description=words, input_schema=schema, effect="read")


def _schema(random: Random, noun: str) -> dict[str, Any]:
    names = random.sample(_PARAMETERS, random.randint(1, 6))
    properties: dict[str, Any] = {f"{noun}_id": {"type": "string", "description": f"The {noun}"}}
    for name in names:
        kind = random.choice(["string", "integer", "boolean"])
        words = f"The {name.replace('_', ' ')} of the {noun}"
        properties[name] = {"type": kind, "description": words}
    return {"type": "object", "properties": properties, "required": [f"{noun}_id"]}


def _call(**arguments: object) -> object:
    return arguments

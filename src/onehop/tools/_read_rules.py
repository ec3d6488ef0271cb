"""Rules as callers, files and records give them; what is not one is refused, with its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from onehop.errors import InvalidRequestError
from onehop.inputs.names import choice
from onehop.tools._rules import ACTIONS, Rule, shown

_FIELDS: Final = ("action", "tool", "effect", "when")
_LONGEST: Final = 400
_MOST: Final = 10_000
"""Rules of one layer."""
_TEXT: Final = "ACTION TOOL [effect EFFECT] [when CONDITION]"


def read_rules(given: Any, place: str = "rules") -> tuple[Rule, ...]:
    """Rules as callers and files give them: a Rule, a dict of its fields, a list of those, or
    globs by action (``{"deny": ["crm.*"]}``); None has no rules.

    Raises InvalidRequestError that names what is wrong and where.
    """
    rules = tuple(_read(given, place))
    if len(rules) > _MOST:
        raise InvalidRequestError(place, f"{len(rules)} rules", f"at most {_MOST}")
    return rules


def read_rule_list(given: Any, place: str = "rules", most: int = 1000) -> tuple[Rule, ...]:
    """Rules in the one form that they have on the wire: a list of objects, each a rule's fields.

    Raises InvalidRequestError that names what is wrong and where.
    """
    if not isinstance(given, list):
        raise InvalidRequestError(place, shown(given), "a list of rules")
    if len(given) > most:
        raise InvalidRequestError(place, f"{len(given)} rules", f"at most {most}")
    return tuple(_listed(item, f"{place}[{index}]") for index, item in enumerate(given))


def _listed(item: Any, place: str) -> Rule:
    if not isinstance(item, Mapping):
        raise InvalidRequestError(place, shown(item), "an object with a rule's fields")
    return _rule(item, place)


def _read(given: Any, place: str) -> Iterator[Rule]:
    if given is None:
        return
    if isinstance(given, Rule):
        yield given
    elif isinstance(given, Mapping):
        yield from [_rule(given, place)] if _is_rule(given) else _by_action(given, place)
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        for index, item in enumerate(given):
            if not isinstance(item, Rule | Mapping):
                raise InvalidRequestError(f"{place}[{index}]", shown(item), "a rule or an object")
            if item == {}:
                raise InvalidRequestError(f"{place}[{index}]", "{}", "a rule: it has no action")
            yield from _read(item, f"{place}[{index}]")
    else:
        raise InvalidRequestError(place, shown(given), "a list of rules")


def _is_rule(given: Mapping[Any, Any]) -> bool:
    """Whether these are a rule's fields, perhaps without its action; else globs by action."""
    return any(name in _FIELDS for name in given)


def _by_action(given: Mapping[Any, Any], place: str) -> Iterator[Rule]:
    for action, items in given.items():
        here = f"{place}.{action}"
        if action not in ACTIONS:
            allowed = choice((*ACTIONS, "action"), action)
            raise InvalidRequestError(here[:_LONGEST], shown(action), allowed)
        listed = [items] if isinstance(items, str | Mapping) else items
        if not isinstance(listed, Iterable):
            raise InvalidRequestError(here, shown(items), "a list of globs")
        for index, item in enumerate(listed):
            fields = item if isinstance(item, Mapping) else {"tool": item}
            yield _rule({**fields, "action": action}, f"{here}[{index}]")


def _rule(fields: Mapping[Any, Any], place: str) -> Rule:
    if unknown := [name for name in fields if name not in _FIELDS]:
        where = f"{place}.{unknown[0]!s:.80}"
        raise InvalidRequestError(where, "an unknown field", choice(_FIELDS, unknown[0]))
    if "action" not in fields:
        raise InvalidRequestError(f"{place}.action", "nothing", choice(ACTIONS))
    try:
        return Rule(**fields)
    except InvalidRequestError as error:
        where = f"{place}.{error.field}"
        raise InvalidRequestError(where, error.got, error.allowed) from None


def rule_from_text(text: str, place: str = "rule") -> Rule:
    """The inverse of ``str(rule)``: ``ask crm.pay effect write when amount > 100``.

    Raises InvalidRequestError that names what is wrong.
    """
    action, _, rest = text.strip().partition(" ")
    tool, _, rest = rest.strip().partition(" ")
    fields = {"action": action, "tool": tool}
    word, _, rest = rest.strip().partition(" ")
    if word == "effect":
        fields["effect"], _, rest = rest.strip().partition(" ")
        word, _, rest = rest.strip().partition(" ")
    if word == "when":
        fields["when"] = rest.strip()
    elif word:
        raise InvalidRequestError(place, shown(text), f"{_TEXT}: {word!r:.80} is neither")
    if action in ACTIONS and not tool:
        raise InvalidRequestError(place, shown(text), f"{_TEXT}; * stands for all tools")
    return _rule(fields, place)


def rules_to_json(rules: Sequence[Rule]) -> str | None:
    """As an agent's record keeps them; None for none."""
    return json.dumps([rule.to_dict() for rule in rules]) if rules else None


def rules_from_json(text: str | None) -> tuple[Rule, ...]:
    """The inverse. Raises InvalidRequestError for anything else."""
    if text is None:
        return ()
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequestError("rules", shown(text), "JSON") from None
    return read_rules(given)

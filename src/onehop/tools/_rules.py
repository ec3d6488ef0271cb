"""Rules allow, ask about or deny calls, in layers: the most restrictive layer decides."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, get_args

from onehop.errors import InvalidRequestError
from onehop.inputs.names import choice
from onehop.tools._bound import Bound
from onehop.tools._condition import HELP, Condition, read_condition
from onehop.tools._names import LONGEST_PATH
from onehop.tools._tool import EFFECTS, Effect

Action = Literal["allow", "ask", "deny"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
"""From the loosest to the most restrictive."""
GLOB: Final = r"(?!\$)(?![^.]*\.\$)[^\s\x00-\x1f\x7f-\x9f]+( +[^\s\x00-\x1f\x7f-\x9f]+)*"
"""What a path or glob looks like that some tool can match."""
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Rule:
    """``action`` for the calls of tools whose path is like the glob ``tool``.

    With ``effect`` only of tools that have it; with ``when`` only if the arguments match: one
    field, one of ``< <= == != >= >``, and a literal (``amount > 100``). A field that is missing or
    not of the literal's kind matches.
    """

    action: Action
    tool: str = "*"
    effect: Effect | None = None
    when: str | None = None
    _condition: Condition | None = dataclasses.field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        """Raises InvalidRequestError that names the field."""
        _member("action", self.action, ACTIONS)
        _check_glob(self.tool)
        if self.effect is not None:
            _member("effect", self.effect, EFFECTS)
        if self.when is not None:
            object.__setattr__(self, "_condition", _condition(self.when))

    def __str__(self) -> str:
        effect = f" effect {self.effect}" if self.effect else ""
        when = f" when {self.when}" if self.when is not None else ""
        return f"{self.action} {self.tool}{effect}{when}"

    def to_dict(self) -> dict[str, str]:
        """Its fields, without those that it has not."""
        fields = {"action": self.action, "tool": self.tool, "effect": self.effect}
        return {name: value for name, value in {**fields, "when": self.when}.items() if value}

    @property
    def is_conditional(self) -> bool:
        """Whether it depends on the arguments."""
        return self._condition is not None

    @property
    def field(self) -> str | None:
        """The argument that its condition is about."""
        return None if self._condition is None else self._condition.field[0]

    def concerns(self, bound: Bound) -> bool:
        """Whether it is about this tool at all, however its name is written."""
        if self.effect is not None and not self._concerns_effect(bound):
            return False
        return any(fnmatchcase(path, self.tool) for path in bound.spellings)

    def _concerns_effect(self, bound: Bound) -> bool:
        """A hint never loosens a rule: without it, the tool would write."""
        if not bound.tool.is_hint or bound.effect == "write":
            return self.effect == bound.effect
        if self.action != "allow":
            return self.effect in (bound.effect, "write")
        return self.effect == "destructive" == bound.effect

    def matches(self, arguments: Mapping[str, Any]) -> bool:
        """Whether it is about these arguments."""
        return self._condition is None or self._condition.matches(arguments)

    def looks_at(self, arguments: Mapping[str, Any]) -> bool:
        """Whether its condition is about one of these arguments."""
        return self._condition is not None and self._condition.field[0] in arguments

    @property
    def rank(self) -> tuple[int, int]:
        """Its place in a layer: more literal characters first, then the more restrictive."""
        literal = sum(character not in "*?[]" for character in self.tool)
        return -literal, -ACTIONS.index(self.action)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a call, and the rule that says so; None if none does."""

    action: Action
    rule: str | None = None


class Policy:
    """Layers of rules: the server's, the agent's, the call's."""

    def __init__(self, layers: Sequence[Sequence[Rule]]) -> None:
        self._layers = [sorted(layer, key=lambda rule: rule.rank) for layer in layers if layer]
        self.has_asks = any(rule.action == "ask" for layer in layers for rule in layer)
        """Whether a rule asks about anything."""
        self._known: dict[tuple[tuple[str, ...], Effect, bool], list[list[Rule]]] = {}

    def decide(self, bound: Bound, arguments: Mapping[str, Any]) -> Decision:
        """The most restrictive layer's word; in each the most specific rule that matches has it."""
        decided = Decision("allow")
        for rules in self._about(bound):
            rule = next((rule for rule in rules if rule.matches(arguments)), None)
            if rule is None:
                continue
            is_stricter = ACTIONS.index(rule.action) > ACTIONS.index(decided.action)
            if decided.rule is None or is_stricter:
                decided = Decision(rule.action, str(rule))
        return decided

    def foresee(
        self, bound: Bound, known: Mapping[str, Any], *, complete: bool
    ) -> tuple[Decision, bool]:
        """The decision about a call if these arguments are ``known``, the most restrictive that
        there may be; and whether that depends on others."""
        if complete:
            return self.decide(bound, known), False
        worst, depends = Decision("allow"), False
        for rules in self._about(bound):
            possible = list(_possible(rules, known))
            depends = depends or len({rule.action if rule else "allow" for rule in possible}) > 1
            for rule in filter(None, possible):
                if ACTIONS.index(rule.action) > ACTIONS.index(worst.action) or not worst.rule:
                    worst = Decision(rule.action, str(rule))
        return worst, depends

    def is_always_denied(self, bound: Bound) -> bool:
        """Whether no arguments let a call of it pass, or be asked about."""
        return any(_outcomes(rules) == {"deny"} for rules in self._about(bound))

    def may_ask(self, bound: Bound) -> bool:
        """Whether some call of it is asked about."""
        return any("ask" in _outcomes(rules) for rules in self._about(bound))

    def _about(self, bound: Bound) -> list[list[Rule]]:
        """The rules that are about a tool, by layers, in their order; kept for the next call."""
        key = bound.spellings, bound.effect, bound.tool.is_hint
        if key not in self._known:
            self._known[key] = [
                [rule for rule in layer if rule.concerns(bound)] for layer in self._layers
            ]
        return self._known[key]


def _possible(rules: Sequence[Rule], known: Mapping[str, Any]) -> Iterator[Rule | None]:
    """The rules of a layer that may decide, if arguments are added to those that are known."""
    for rule in rules:
        if not rule.matches(known):
            continue  # it looks at an argument that is known
        yield rule
        if not rule.is_conditional or rule.looks_at(known):
            return
    yield None


def _outcomes(rules: Sequence[Rule]) -> set[Action]:
    """All that a layer's rules about one tool may say, whatever the arguments are."""
    outcomes: set[Action] = set()
    for rule in rules:
        outcomes.add(rule.action)
        if not rule.is_conditional:
            return outcomes
    return outcomes | {"allow"}


def _check_glob(given: Any) -> None:
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_PATH:
        allowed = f"a tool's path or a glob, of at most {LONGEST_PATH} characters"
        raise InvalidRequestError("tool", shown(given), allowed)
    if not re.fullmatch(GLOB, given):
        allowed = f"a tool's path or a glob that some tool can match: {_why_none(given)}"
        raise InvalidRequestError("tool", shown(given), allowed)


def _why_none(glob: str) -> str:
    if "$" in glob:
        return "names with $ in front are onehop's own, which rules do not concern"
    return "leave out the space around it, and what cannot be seen"


def _condition(text: Any) -> Condition:
    try:
        return read_condition(text if isinstance(text, str) else "")
    except ValueError as error:
        raise InvalidRequestError("when", shown(text), str(error) or HELP) from None


def _member(name: str, value: Any, allowed: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidRequestError(name, shown(value), choice(allowed, value))


def shown(value: Any) -> str:
    """A short form of anything."""
    return f"{value!r:.80}"

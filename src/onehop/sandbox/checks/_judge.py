"""What is wrong with one call of a tool, by the tools that the run is granted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onehop.errors import ToolError
from onehop.sandbox.checks._literals import Arguments, UnknownError, read_arguments
from onehop.tools import Bound, one_line

if TYPE_CHECKING:
    from onehop.compiler import CallSite
    from onehop.sandbox.calls import Grant

_OF_OBJECTS: Final = frozenset(
    "apply bind call constructor hasOwnProperty isPrototypeOf length name propertyIsEnumerable "
    "prototype toJSON toLocaleString toString valueOf then catch finally __proto__".split()
)
"""Members that are not meant as tools, whatever else they are."""
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call must fail, and what to write instead."""

    message: str
    hints: tuple[str, ...]
    site: CallSite
    field: str | None = None
    """The argument that is at fault."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a call is a call of."""

    path: str
    bound: Bound | None
    fault: Fault | None = None


def target_of(site: CallSite, grant: Grant | None) -> Target | None:
    """None where the call is not one of a tool, or where only the run can tell."""
    steps = site.path
    if not 0 < len(steps) < 3 or None in steps:
        return None
    names = [step for step in steps if step is not None]
    if names[0].startswith("$") or _OF_OBJECTS.intersection(names):
        return None
    path = ".".join(names)
    if grant is None:
        message = f"tools.{_shown(path)} cannot be called: no tools are granted to this code"
        return Target(path, None, Fault(message, (), site))
    return _found(path, names, site, grant)


def _found(path: str, names: list[str], site: CallSite, grant: Grant) -> Target | None:
    namespace, member = names if len(names) == 2 else ("", names[0])
    try:
        bound = grant.catalogue.find(namespace, member)
    except ToolError as error:
        if error.code != "unknown_tool":
            return None  # the server may be there when the code runs
        return Target(path, None, Fault(error.message, (), site))
    if bound is None:
        return Target(path, None, _unknown(path, names, site, grant))
    return Target(bound.path, bound)


def fault_of(target: Target, site: CallSite, grant: Grant | None) -> Fault | None:
    """Why the call must fail; None when it may well not."""
    if target.bound is None:
        return target.fault
    error = _refusal(target.bound, site)
    if error is None:
        return None
    words = error.message.removeprefix(f"{target.path}: ")
    hints = _signatures((target.path,), grant) if grant is not None else ()
    return Fault(f"tools.{target.path}: {words}", hints, site, error.field)


def _refusal(bound: Bound, site: CallSite) -> ToolError | None:
    if site.count > 1:
        message = f"a tool takes one argument, an object; this call has {site.count}"
        return ToolError("invalid_arguments", message, bound.path)
    try:
        given = read_arguments(site.argument)
    except UnknownError:
        return None
    if given is None:
        message = "a tool takes one argument, an object such as {name: value}"
        return ToolError("invalid_arguments", message, bound.path)
    return _refusal_of(bound, given)


def _refusal_of(bound: Bound, given: Arguments) -> ToolError | None:
    if given.is_complete:
        return bound.refusal(given.known)
    possible = None if given.is_open else given.possible
    error = bound.refusal_of_part(given.known, given.names, possible)
    if error is None and not given.is_open:
        error = bound.missing(given.possible)
    return error


def _unknown(path: str, names: list[str], site: CallSite, grant: Grant) -> Fault:
    members = grant.discovery.visible.get(names[0], ()) if len(names) == 1 else ()
    if members:
        message = f"tools.{_shown(path)} is a namespace: call one of its tools"
        return Fault(message, _signatures((one.path for one in members[:3]), grant), site)
    try:
        grant.discovery.hit(path)
        nearest: list[str] = []
    except ToolError as error:
        nearest = list(error.nearest or ())
    advice = f"; did you mean tools.{nearest[0]}?" if nearest else ""
    message = f"there is no tool tools.{_shown(path)}{advice}"
    hints = _signatures(nearest, grant) or ("`await tools.$search('words')` finds tools",)
    return Fault(message, hints, site)


def _signatures(paths: Iterable[str], grant: Grant) -> tuple[str, ...]:
    return tuple(
        one_line(f"tools.{grant.discovery.hit(path)['signature']}", _LONGEST) for path in paths
    )


def _shown(name: str) -> str:
    return one_line(name, 120)

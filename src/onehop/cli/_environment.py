"""Variables of the environment that look like ours and are not: a typing error changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from onehop.config import Settings

_PREFIX: Final = "ONEHOP_"
_OTHERS: Final = frozenset({"ONEHOP_CONFIG", "ONEHOP_SERVER_URL", "ONEHOP_IS_UPSTREAM"})
"""Ours, and no settings: the settings file, the server of ``AgentClient``, and whether another
onehop has started this one."""
_OF_TESTS: Final = frozenset(
    {"ONEHOP_NO_SKIPS", "ONEHOP_SCHEMATHESIS_EXAMPLES", "ONEHOP_SOAK_SECONDS"}
)
"""Variables that the tests of this repository read."""
_OF_DEPLOYMENTS: Final = frozenset({"ONEHOP_AUTHORIZATION", "ONEHOP_DB_PASSWORD"})
"""What the snippets for MCP clients and compose.yaml use."""


def warnings() -> Iterator[str]:
    """One line for each variable ``ONEHOP_…`` that nothing reads, with the nearest name."""
    for name, told in unknown(os.environ):
        yield f"{name}: {told}"


def unknown(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The names of such variables, and what to say of each."""
    given = sorted(name for name in environ if name.startswith(_PREFIX))
    if not given:
        return  # and the settings need not be imported
    if _are_usual(given):
        return
    names = known()
    for name in given:
        if name not in names | _OF_TESTS | _OF_DEPLOYMENTS:
            yield name, f"this is not a setting of onehop and changes nothing{_hint(name, names)}"


def _are_usual(given: Iterable[str]) -> bool:
    """Whether all are settings that each run needs anyhow: the other tables need not be loaded."""
    from onehop.config import AuditConfig, SandboxConfig

    return _variables((AuditConfig, SandboxConfig)).issuperset(given)


def known() -> frozenset[str]:
    """Every variable that onehop reads."""
    from onehop.config import SECTIONS

    return _variables(SECTIONS) | _OTHERS


def _variables(sections: Iterable[type[Settings]]) -> frozenset[str]:
    return frozenset(each.env for table in sections for each in table.declared.values())


def _hint(name: str, names: frozenset[str]) -> str:
    near = get_close_matches(name, sorted(names), n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ": see 'onehop config show'"

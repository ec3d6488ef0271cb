"""What to write where code names a tool as if it were a global function."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onehop.sandbox.calls._grant import Grant
    from onehop.types import ExecutionResult

_UNDEFINED: Final = re.compile(r"(([\w$]{1,128}) is not defined)(?:: .*)?", re.DOTALL)
"""Advice about a name that other environments have may follow: the tool is what was meant."""
_SHOWN: Final = 3


def with_hint(result: ExecutionResult, grant: Grant) -> ExecutionResult:
    """A ReferenceError of a name that a tool or a namespace has says how code reaches it."""
    info = result.error_info
    if info is None or info.name != "ReferenceError" or result.error is None:
        return result
    found = _UNDEFINED.fullmatch(info.message)
    ways = list(_ways(found[2], grant))[:_SHOWN] if found else []
    if found is None or not ways:
        return result
    message = f"{found[1]}: the code calls tools by `tools`: {' or '.join(ways)}"
    told = info.model_copy(update={"message": message})
    error = result.error.replace(info.message, message, 1)
    return result.model_copy(update={"error": error, "error_info": told})


def _ways(name: str, grant: Grant) -> Iterator[str]:
    """Of tools and namespaces that are not always denied."""
    for namespace, tools in grant.discovery.visible.items():
        if namespace == name:
            yield f"tools.{name}"
        for bound in tools:
            if bound.member == name:
                prefix = f"{namespace}." if namespace else ""
                yield f"await tools.{prefix}{name}({{…}})"

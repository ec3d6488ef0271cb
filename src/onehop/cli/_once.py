"""``onehop run`` once its words are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from onehop.cli._early import no_collections
from onehop.cli._exits import ExitCode

if TYPE_CHECKING:
    from onehop.backends.begun import Begun


def run_once(
    begun: Begun | None,
    *,
    record: bool = True,
    as_json: bool = False,
    tools: Sequence[str] | None = None,
    rules: Sequence[str] | None = None,
    mcp_servers: str | None = None,
    session: str | None = None,
    **call: Any,
) -> ExitCode:
    """Run and print. ``begun`` are processes that were started for it, and ``call`` is what
    ``read_call`` takes. Raises what it raises, and what ``execute`` raises."""
    from onehop.backends.begun import Begun

    with no_collections(), begun or Begun() as given:
        from onehop.cli import _input, _output

        checked = _input.read_call(**call, session=session)
        _input.refuse_forgotten_session(session, record)
        result = _input.execute(
            checked,
            record=record,
            tools=tools,
            rules=rules,
            mcp_servers=mcp_servers,
            begun=given,
        )
    (_output.print_json if as_json else _output.print_result)(result)
    return _output.exit_code(result)

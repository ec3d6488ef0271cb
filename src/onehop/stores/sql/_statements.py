"""Statements of every run, made once: making one anew costs as much as its execution."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from onehop.stores.sql._schema import agents, chain_head, events, executions

_run = executions.c

HEAD: Final = select(chain_head).with_for_update()
NEW_HEAD: Final = update(chain_head).values(
    sequence=bindparam("new_sequence"), hash=bindparam("new_hash")
)
HIGHEST: Final = select(func.max(_run.sequence))

FIRST_RUN: Final = (
    select(executions)
    .where(_run.request_id == bindparam("request_id"), _run.repeat_of.is_(None))
    .order_by(_run.sequence)
    .limit(1)
)
FIRST_RUN_OF_AGENT: Final = FIRST_RUN.where(_run.agent_id == bindparam("agent_id"))
FIRST_RUNS: Final = select(_run.agent_id, _run.request_id, _run.sequence, _run.executed_at).where(
    _run.request_id.in_(bindparam("names", expanding=True)), _run.repeat_of.is_(None)
)
KNOWN_RUNS: Final = select(_run.run_id).where(_run.run_id.in_(bindparam("ids", expanding=True)))
KNOWN_EVENTS: Final = select(events.c.event_id).where(
    events.c.event_id.in_(bindparam("ids", expanding=True))
)
ADD_RUNS: Final = insert(executions)
ADD_EVENTS: Final = insert(events)

AGENT: Final = select(agents).where(agents.c.agent_id == bindparam("agent_id"))
AGENT_OF_KEY: Final = select(agents).where(agents.c.key_id == bindparam("key_id"))

"""What people do with snippets: they save the code of a run, look at it, and remove it."""

from __future__ import annotations

import json
import time
from dataclasses import replace as replace_fields
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict

from onehop.errors import RunNotFoundError, SnippetNotFoundError, SnippetRefusedError
from onehop.runs.saved import MOST_SNIPPETS, Snippet
from onehop.sandbox.snippets._names import checked_name
from onehop.sandbox.snippets._schema import checked_schema, schema_from
from onehop.sandbox.snippets._source import code_from
from onehop.types import code_hash

if TYPE_CHECKING:
    from onehop.records import ExecutionRecord

_MOST: Final = 200
"""Snippets of one agent, and for all."""
_DESCRIPTION: Final = 500
_BY: Final = 200


class Keeper(Protocol):
    """What is needed of a store."""

    async def get(self, request_id: str, agent_id: str | None = None) -> ExecutionRecord | None:
        """The record of a run."""

    async def snippets(self, agent_id: str | None = None) -> list[Snippet]:
        """By agent and name."""

    async def snippet(self, agent_id: str, name: str) -> Snippet | None:
        """What is kept under a name."""

    async def keep_snippet(self, snippet: Snippet) -> bool:
        """Put it in the place of the version before; False when another was first."""

    async def drop_snippet(self, agent_id: str, name: str) -> bool:
        """Forget it."""


class Saving(TypedDict, total=False):
    """What ``Snippets.save`` takes beside the name, the run and the person."""

    agent_id: str | None
    for_all: bool
    description: str | None
    input_schema: dict[str, Any] | None
    code: str | None
    replace: bool


class Snippets:
    """The snippets of a store. All of it is for people: no agent's key leads here."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def save(
        self,
        name: str,
        request_id: str,
        *,
        by: str,
        agent_id: str | None = None,
        for_all: bool = False,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        code: str | None = None,
        replace: bool = False,
    ) -> Snippet:
        """Save the code of a run that succeeded under ``name``, for the agent of that run or
        ``for_all``.

        ``agent_id`` says whose run it is, if several agents have one of this id. ``input_schema``
        is that of the context of the run, if none is given, and ``description`` the run's.
        ``code`` is the text of the code, where the record does not have it whole. ``replace``: in
        the place of the last version.

        Raises InvalidRequestError, RunNotFoundError, SnippetRefusedError and StoreError.
        """
        checked_name(name)
        given = None if input_schema is None else checked_schema(input_schema)
        record = await self._keeper.get(request_id, agent_id)
        if record is None:
            raise RunNotFoundError(f"no run {request_id[:80]!r} is on record")
        _refuse_unfit(record)
        text = code_from(record, code)
        owner = "" if for_all else record.agent_id
        kept = await self._keeper.snippet(owner, name)
        snippet = Snippet(
            agent_id=owner,
            name=name,
            version=1 if kept is None else kept.version + 1,
            language=record.language,
            code=text,
            code_hash=code_hash(text),
            description=_words(description, record),
            input_schema=given or json.dumps(schema_from(record.context_data)),
            tools=json.dumps(_tools(record), sort_keys=True),
            request_id=record.request_id,
            source_agent=record.agent_id,
            saved_by=by[:_BY],
            saved_at=time.time_ns() // 1_000_000,
        )
        if kept is not None and _is_same(kept, snippet):
            return kept  # a client whose answer was lost asks again
        await self._refuse_taken(kept, owner, name, replace)
        if not await self._keeper.keep_snippet(snippet):
            raise SnippetRefusedError(f"somebody else has saved {name} at this moment: look again")
        return snippet

    async def list(self, agent_id: str | None = None) -> list[Snippet]:
        """Those of an agent, or all, by agent and name; those for all agents under ``""``."""
        return await self._keeper.snippets(agent_id)

    async def show(self, name: str, agent_id: str | None = None) -> Snippet:
        """One snippet; ``agent_id`` says whose, if there are several of this name.

        Raises SnippetNotFoundError, and SnippetRefusedError when several are meant.
        """
        if agent_id is not None:
            found = await self._keeper.snippet(agent_id, name)
            named = [] if found is None else [found]
        else:
            everyone = await self._keeper.snippets()
            named = [each for each in everyone if each.name == name]
            if not named and len(everyone) == MOST_SNIPPETS:
                raise SnippetRefusedError(f"there are many snippets: say whose {name[:80]!r} it is")
        if not named:
            raise SnippetNotFoundError(f"no snippet is called {name[:80]!r}")
        if len(named) > 1:
            whose = ", ".join(each.agent_id or "all agents" for each in named)
            raise SnippetRefusedError(f"{name} is there for several ({whose}): say for which agent")
        return named[0]

    async def remove(self, name: str, agent_id: str | None = None) -> Snippet:
        """Forget a snippet; gives what it was. Raises as ``show``."""
        found = await self.show(name, agent_id)
        if not await self._keeper.drop_snippet(found.agent_id, found.name):
            raise SnippetNotFoundError(f"no snippet is called {name[:80]!r} any more")
        return found

    async def _refuse_taken(
        self, kept: Snippet | None, owner: str, name: str, replace: bool
    ) -> None:
        if kept is not None and not replace:
            raise SnippetRefusedError(
                f"{name} is there already (version {kept.version}, saved by {kept.saved_by} from "
                f"the run {kept.request_id}): take another name, or replace it (--replace)"
            )
        if kept is None and len(await self._keeper.snippets(owner)) >= _MOST:
            whose = f"the agent {owner!r}" if owner else "all agents"
            raise SnippetRefusedError(
                f"there are {_MOST} snippets for {whose}, which are all that may be: remove one"
            )


def _is_same(kept: Snippet, snippet: Snippet) -> bool:
    """Whether nothing is new but who saves it, and when."""
    same = replace_fields(snippet, version=kept.version, saved_by=kept.saved_by)
    return kept == replace_fields(same, saved_at=kept.saved_at)


def unfit(record: ExecutionRecord) -> str:
    """Why the code of this run cannot be saved without more; empty when it can."""
    try:
        _refuse_unfit(record)
        code_from(record, None)
        _tools(record)
    except SnippetRefusedError as error:
        return str(error)
    return ""


def _refuse_unfit(record: ExecutionRecord) -> None:
    if not record.success:
        raise SnippetRefusedError(
            f"the run {record.request_id[:80]!r} has failed ({(record.error or '')[:200]}): only a "
            "run that succeeded can be saved"
        )
    session = record.details.get("session")
    if session is not None:
        raise SnippetRefusedError(
            f"the run was a call of the session {str(session)[:80]!r}, and may need what earlier "
            "calls have left there: run its code alone, and save that run"
        )


def _tools(record: ExecutionRecord) -> dict[str, str]:
    """The fingerprints of the tools that a run called. Raises SnippetRefusedError."""
    known = record.details.get("toolSchemas") or {}
    for call in record.details.get("toolCalls") or ():
        if call.get("outcome") == "ok" and call.get("tool") not in known:
            raise SnippetRefusedError(
                f"the record does not say what the tool {str(call.get('tool'))[:200]} was like "
                "then: it is from an older onehop. Run the code again, and save that run"
            )
    return {str(path): str(fingerprint) for path, fingerprint in known.items()}


def _words(given: str | None, record: ExecutionRecord) -> str:
    return " ".join((record.description or "" if given is None else given).split())[:_DESCRIPTION]

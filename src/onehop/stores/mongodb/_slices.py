"""Slices of time in MongoDB: what pages are made of, instead of every record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, DeleteMany, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from onehop.stores import _answers
from onehop.stores._kept import clean_text
from onehop.stores._slicing import (
    ALL,
    KEPT,
    Piece,
    Tallied,
    end_of,
    looked_from,
    pieces,
    whose,
    work,
)
from onehop.stores.mongodb._documents import CALLED
from onehop.stores.tally import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    Avoided,
    Call,
    Rows,
    Run,
    Slice,
    Tally,
    slices_of,
    tallied,
)

Document = dict[str, Any]
_DUPLICATE: Final = 11000
_COUNTED: Final = (
    "agentId",
    "executedAt",
    "language",
    "success",
    "timeoutOccurred",
    "errorType",
    "executionTime",
    "memoryUsage",
    "toolCalls",
    "toolSums",
    CALLED,
)


class MongoSlices:
    """Keeps slices, and answers with them."""

    _database: AsyncDatabase[dict[str, Any]]

    async def slices(self, agent_id: str | None, since: int, grain: int) -> list[Slice]:
        """What ran from ``since`` on, ascending."""
        wanted = None if agent_id is None else clean_text(agent_id)
        found, raw = list[tuple[int, int, str]](), list[list[Document]]()
        for part in pieces(wanted, since, grain, await self._tallied()):
            if part.length:
                found += await self._kept_slices(wanted, part)
            else:
                raw.append(await self._counted(wanted, part))
        return await asyncio.to_thread(_read, found, raw)

    async def _kept_slices(self, agent_id: str | None, part: Piece) -> list[tuple[int, int, str]]:
        times = {"$gte": Int64(part.start), "$lt": Int64(part.end or 0)}
        wanted = {"length": part.length, "whose": whose(agent_id), "start": times}
        return [
            (int(each["start"]), part.length, each["body"])
            async for each in self._database["tallies"].find(wanted)
        ]

    async def _counted(self, agent_id: str | None, part: Piece) -> list[Document]:
        times: Document = {"$gte": DatetimeMS(part.start)}
        if part.end is not None:
            times["$lt"] = DatetimeMS(part.end)
        wanted: Document = {"executedAt": times}
        if agent_id is not None:
            wanted["agentId"] = agent_id
        fields = {"_id": False, **dict.fromkeys(_COUNTED, True)}
        return await self._database["executions"].find(wanted, projection=fields).to_list()

    async def _tallied(self) -> Tallied:
        state = await self._database["tally_state"].find_one({"_id": 1})
        if state is None:
            return Tallied()
        return Tallied(int(state["first"]), int(state["until"]), int(state["watermark"]))

    async def _tally(self, now: int, keep_days: int) -> None:
        """Bring the slices up to date. Their totals only ever grow, so that the slower one of two
        processes does not undo what the other did; how far they go comes last."""
        new, first = end_of(now), _answers.first_rolled_up(now, keep_days)
        state, executions = await self._tallied(), self._database["executions"]
        newest = await executions.find_one(sort=[("sequence", DESCENDING)])
        last = int(newest["sequence"]) if newest else 0
        if not last or (last <= state.watermark and new <= state.until):
            return
        if not state.until:
            oldest = await executions.find_one(sort=[("executedAt", ASCENDING)])
            begin = new if oldest is None else max(int(oldest["executedAt"]) // DAY * DAY, first)
            state = Tallied(min(begin, new), min(begin, new), last)
        new = max(new, state.until)
        found = await self._filled({"executedAt": _between(looked_from(state.until, new), new)})
        counted = _between(max(first, state.first), state.until)
        late = await self._filled(
            {"sequence": {"$gt": Int64(state.watermark)}, "executedAt": counted}
        )
        todo = work(found, late, state.until, new)
        for length, starts in ((FIVE_MINUTES, todo.five_minutes), (HOUR, todo.hours)):
            for start in starts:
                await self._make_slice(length, start)
        for day in todo.days:
            await self._make_day(day)
        await self._note_tallied(Tallied(state.first, new, max(last, state.watermark)), keep_days)

    async def _filled(self, wanted: Document) -> list[int]:
        """The slices of five minutes that have such records."""
        time: Document = {"$toLong": "$executedAt"}
        start = {"$subtract": [time, {"$mod": [time, FIVE_MINUTES]}]}
        stages: list[Document] = [{"$match": wanted}, {"$group": {"_id": start}}]
        async with await self._database["executions"].aggregate(stages) as found:
            return [int(each["_id"]) async for each in found]

    async def _make_slice(self, length: int, start: int) -> None:
        found = await self._counted(None, Piece(0, start, start + length))
        made = await asyncio.to_thread(lambda: tallied(_rows(found), length))
        await self._put_slices(
            length,
            start,
            {
                agent: each
                for (_, agent), each in made.items()
                if agent is None or length != FIVE_MINUTES
            },
        )

    async def _make_day(self, day: int) -> None:
        """Of its hours."""
        hours = {"length": HOUR, "start": {"$gte": Int64(day), "$lt": Int64(day + DAY)}}
        found = await self._database["tallies"].find(hours).to_list()
        await self._put_slices(DAY, day, await asyncio.to_thread(_by_whom, found))

    async def _put_slices(self, length: int, start: int, found: dict[str | None, Tally]) -> None:
        changes = []
        for agent, each in found.items():
            total = Int64(each.total)
            key = {"length": length, "whose": whose(agent), "start": Int64(start)}
            body = {"body": each.to_text(alone=agent is not None), "total": total}
            changes.append(UpdateOne({**key, "total": {"$lte": total}}, {"$set": body}, True))
        if not changes:
            return
        try:
            await self._database["tallies"].bulk_write(changes, ordered=False)
        except BulkWriteError as error:
            if any(each["code"] != _DUPLICATE for each in (error.details or {})["writeErrors"]):
                raise  # a duplicate: another process has counted more

    async def _note_tallied(self, state: Tallied, keep_days: int) -> None:
        moved = {"until": Int64(state.until), "watermark": Int64(state.watermark)}
        first = {"first": Int64(state.first)}
        await self._database["tally_state"].update_one(
            {"_id": 1}, {"$max": moved, "$setOnInsert": first}, upsert=True
        )
        recent = {"$lt": Int64(state.until - KEPT[FIVE_MINUTES])}
        hours = {"$lt": Int64(state.until - KEPT[HOUR])}
        days = {"$lt": Int64(state.until - keep_days * DAY)}
        await self._database["tallies"].bulk_write(
            [
                DeleteMany({"length": FIVE_MINUTES, "start": recent}),
                DeleteMany({"length": HOUR, "start": hours, "whose": {"$ne": ALL}}),
                DeleteMany({"length": {"$in": [HOUR, DAY]}, "start": days}),
            ]
        )


def _between(start: int, end: int) -> Document:
    return {"$gte": DatetimeMS(start), "$lt": DatetimeMS(end)}


def _read(found: Iterable[tuple[int, int, str]], raw: list[list[Document]]) -> list[Slice]:
    slices = [Slice(start, length, Tally.from_text(body)) for start, length, body in found]
    slices += [each for some in raw for each in slices_of(_rows(some), FIVE_MINUTES)]
    return sorted(slices, key=lambda each: each.start)


def _by_whom(found: Iterable[Document]) -> dict[str | None, Tally]:
    """The sums of each, and of all."""
    sums = dict[str | None, Tally]()
    for each in found:
        agent = None if each["whose"] == ALL else each["whose"][1:]
        sums.setdefault(agent, Tally()).add(Tally.from_text(each["body"]))
    return sums


def _rows(found: list[Document]) -> Rows:
    called = [each for each in found if each.get(CALLED)]
    return Rows(
        runs=map(_run, found),
        calls=(_call(each, call) for each in called for call in each.get("toolCalls", ())),
        avoided=map(_avoided, called),
    )


def _run(document: Document) -> Run:
    return Run(
        document["agentId"],
        int(document["executedAt"]),
        document["language"],
        document["success"],
        document["timeoutOccurred"],
        document["errorType"],
        document["executionTime"],
        document["memoryUsage"],
    )


def _call(document: Document, call: Document) -> Call:
    return Call(
        document["agentId"],
        int(document["executedAt"]),
        call["tool"],
        call["outcome"],
        call["duration"],
        int(call["bytesIn"]),
        int(call["bytesOut"]),
    )


def _avoided(document: Document) -> Avoided:
    sums = document["toolSums"]
    return Avoided(
        document["agentId"],
        int(document["executedAt"]),
        int(sums["calls"]),
        int(sums["turns"]),
        int(sums["tokens"]),
    )

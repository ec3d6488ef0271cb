"""The questions of analytics, put to MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from onehop.answers import (
    AgentCount,
    AgentStats,
    CodeLengthBucket,
    Failure,
    FailureCause,
    LanguageCount,
    PauseStats,
    RepeatedCode,
    ResourceUse,
    SecurityCount,
    TimelinePoint,
    ToolStats,
    TrendPoint,
)
from onehop.events import CODE_EXECUTION_RESUMED, CODE_SECURITY_ISSUE
from onehop.records import ExecutionRecord
from onehop.stores import _answers
from onehop.stores._answers import Rollup
from onehop.stores._kept import clean_text
from onehop.stores.mongodb._documents import BARE, CALLED, record_of
from onehop.stores.mongodb._runs import WAITS
from onehop.stores.mongodb._slices import MongoSlices
from onehop.types import Language

Document = dict[str, Any]

_RUNS: Final[Document] = {"$sum": 1}
_SUCCESSFUL: Final[Document] = {"$sum": {"$cond": ["$success", 1, 0]}}
_TIMEOUTS: Final[Document] = {"$sum": {"$cond": ["$timeoutOccurred", 1, 0]}}
_SUMS: Final = {
    "total": "total",
    "successful": "successful",
    "failed": "failed",
    "timeouts": "timeouts",
    "sum_execution_time": "sumExecutionTime",
    "sum_memory": "sumMemory",
}
"""The sums of a rollup, here and in its document."""


_RANKED: Final[Document] = {
    "partitionBy": {"key": "$key", "timed": "$timed"},
    "sortBy": {"call.duration": 1},
    "output": {
        "place": {"$documentNumber": {}},
        "of": {"$sum": 1, "window": {"documents": ["unbounded", "unbounded"]}},
    },
}
"""The place of each call among those of its tool that reached it, from 1 on, and their number."""


def _having(name: str) -> Document:
    return {"$sum": {"$cond": [{"$eq": ["$call.outcome", name]}, 1, 0]}}


def _at(percent: int) -> Document:
    """The duration at the place ceil(percent / 100 * n), from 1 on."""
    place = {"$ceil": {"$divide": [{"$multiply": ["$of", percent]}, 100]}}
    is_there = {"$and": ["$timed", {"$eq": ["$place", place]}]}
    return {"$max": {"$cond": [is_there, "$call.duration", 0]}}


_BY_TOOL: Final[Document] = {
    "_id": "$key",
    "calls": {"$sum": 1},
    "failed": _having("failed"),
    "denied": _having("denied"),
    "unknown": _having("unknown"),
    "time": {"$sum": "$call.duration"},
    "timed": {"$sum": {"$cond": ["$timed", 1, 0]}},
    "p50": _at(50),
    "p95": _at(95),
    "bytesIn": {"$sum": "$call.bytesIn"},
    "bytesOut": {"$sum": "$call.bytesOut"},
}


class MongoAnalytics(MongoSlices):
    """Questions put to MongoDB. MongoStore translates what the driver raises.

    Dates come back as ``bson.datetime_ms.DatetimeMS``: ``int()`` makes them ms since the epoch.
    """

    _database: AsyncDatabase[dict[str, Any]]

    async def agent_stats(self, agent_id: str | None, since: int | None) -> AgentStats:
        """Counts, rates and times."""
        runs = await self._by_language(agent_id, since)
        sums = await self._tool_sums(agent_id, since)
        total = sum(group["total"] for group in runs)
        successful = sum(group["successful"] for group in runs)
        return AgentStats(
            agent_id=agent_id,
            total_executions=total,
            successful_executions=successful,
            failed_executions=total - successful,
            success_rate=_answers.mean(successful, total),
            average_execution_time=_answers.mean(sum(group["time"] for group in runs), total),
            p50_execution_time=await self._percentile(agent_id, since, total, 50),
            p95_execution_time=await self._percentile(agent_id, since, total, 95),
            p99_execution_time=await self._percentile(agent_id, since, total, 99),
            timeout_count=sum(group["timeouts"] for group in runs),
            language_breakdown=_breakdown(runs),
            tool_calls=int(sums["calls"]),
            avoided_turns=int(sums["turns"]),
            avoided_tokens=int(sums["tokens"]),
        )

    async def pause_stats(self, agent_id: str | None, since: int | None) -> PauseStats:
        """Runs that waited for people, and what came of it."""
        own: Document = {} if agent_id is None else {"agentId": clean_text(agent_id)}
        begin = {"$gte": Int64(since or 0)}
        asked = await self._database["approvals"].distinct("runId", own)
        again = {**own, "createdAt": begin, "fence": {"$gt": 1}, "runId": {"$in": asked}}
        going = set(await self._database["kept_runs"].distinct("runId", again))
        diverged = {**_runs(agent_id, since), "success": False, "errorType": "diverged"}
        expired = {**own, "requestedAt": begin, "status": "expired"}
        return PauseStats(
            agent_id=agent_id,
            paused=await self._count("kept_runs", {**own, "createdAt": begin, **WAITS}),
            resumed=len(going | await self._went_on(asked, agent_id, since)),
            diverged=await self._count("executions", diverged),
            expired=await self._count("approvals", expired),
        )

    async def _went_on(self, asked: list[str], agent_id: str | None, since: int | None) -> set[str]:
        """The records of runs that went on after a pause, among those that have ``asked``."""
        wanted = {**_runs(agent_id, since), "runId": {"$in": asked}}
        fields = {"runId": 1, "requestId": 1, "agentId": 1}
        ended = [each async for each in self._database["executions"].find(wanted, fields)]
        names = [each["requestId"] for each in ended]
        told = {"requestId": {"$in": names}, "eventType": CODE_EXECUTION_RESUMED}
        found = self._database["events"].find(told, {"requestId": 1, "agentId": 1})
        went_on = {(each["agentId"], each["requestId"]) async for each in found}
        return {e["runId"] for e in ended if (e["agentId"], e["requestId"]) in went_on}

    async def _count(self, collection: str, wanted: Document) -> int:
        return await self._database[collection].count_documents(wanted)

    async def recent_failures(self, agent_id: str | None, limit: int) -> list[Failure]:
        """Newest first, then by sequence, descending."""
        found = self._database["executions"].find({**_runs(agent_id, None), "success": False})
        found = found.sort([("executedAt", DESCENDING), ("sequence", DESCENDING)]).limit(limit)
        return [_failure(document) async for document in found]

    async def trends(self, agent_id: str | None, since: int | None) -> list[TrendPoint]:
        """From the rollups, by day and then language, ascending; whole days, that of ``since``
        included."""
        wanted: Document = {} if agent_id is None else {"agentId": clean_text(agent_id)}
        if since is not None:
            wanted["day"] = {"$gte": _answers.day_of(since)}
        group: Document = {"_id": {"day": "$day", "language": "$language"}}
        group |= {name: {"$sum": f"${name}"} for name in _SUMS.values()}
        group["maxMemory"] = {"$max": "$maxMemory"}
        found = await self._aggregate("rollups", {"$match": wanted}, {"$group": group})
        return _answers.trend_points(map(_rollup, found))

    async def timeline(
        self, agent_id: str | None, since: int | None, step: int
    ) -> list[TimelinePoint]:
        """Runs by steps of ``step`` ms, ascending; steps without a run are left out."""
        time: Document = {"$toLong": "$executedAt"}
        group: Document = {
            "_id": {"$subtract": [time, {"$mod": [time, step]}]},
            "total": _RUNS,
            "successful": _SUCCESSFUL,
            "timeouts": _TIMEOUTS,
            "time": {"$sum": "$executionTime"},
            "memory": {"$max": "$memoryUsage"},
        }
        found = await self._group_runs(agent_id, since, group)
        return [
            TimelinePoint(
                start=int(each["_id"]),
                total=each["total"],
                successful=each["successful"],
                timeouts=each["timeouts"],
                average_execution_time=_answers.mean(each["time"], each["total"]),
                max_memory=each["memory"],
            )
            for each in sorted(found, key=lambda each: int(each["_id"]))
        ]

    async def failure_causes(self, agent_id: str | None, since: int | None) -> list[FailureCause]:
        """Failures by error type, most first, then by type."""
        group = {
            "_id": {"success": "$success", "type": "$errorType"},
            "total": _RUNS,
            "last": {"$max": "$executedAt"},
        }
        causes = [
            FailureCause(
                error_type=each["_id"].get("type"),
                total=each["total"],
                last_executed_at=int(each["last"]),
            )
            for each in await self._group_runs(agent_id, since, group)
            if not each["_id"]["success"]
        ]
        return sorted(causes, key=lambda each: (-each.total, each.error_type or ""))

    async def agent_counts(self, since: int | None, limit: int) -> list[AgentCount]:
        """Runs by agent, most first, then by name."""
        group = {
            "_id": "$agentId",
            "total": _RUNS,
            "successful": _SUCCESSFUL,
            "timeouts": _TIMEOUTS,
            "time": {"$sum": "$executionTime"},
            "last": {"$max": "$executedAt"},
        }
        found = await self._aggregate(
            "executions",
            {"$match": _runs(None, since)},
            {"$group": group},
            {"$sort": {"total": -1, "_id": 1}},
            {"$limit": limit},
        )
        return [
            AgentCount(
                agent_id=each["_id"],
                total=each["total"],
                successful=each["successful"],
                timeouts=each["timeouts"],
                average_execution_time=_answers.mean(each["time"], each["total"]),
                last_executed_at=int(each["last"]),
            )
            for each in found
        ]

    async def resource_use(self, agent_id: str | None, since: int | None) -> ResourceUse:
        """What runs used."""
        limited = {"$cond": [{"$eq": ["$errorType", "resource_limit"]}, 1, 0]}
        group = {
            "_id": None,
            "total": _RUNS,
            "memory": {"$sum": "$memoryUsage"},
            "maxMemory": {"$max": "$memoryUsage"},
            "time": {"$sum": "$executionTime"},
            "maxTime": {"$max": "$executionTime"},
            "timeouts": _TIMEOUTS,
            "limits": {"$sum": limited},
        }
        found = await self._group_runs(agent_id, since, group)
        return _resource_use(found[0]) if found else ResourceUse()

    async def code_lengths(self, agent_id: str | None, since: int | None) -> list[CodeLengthBucket]:
        """All buckets of CODE_LENGTH_EDGES, ascending, empty ones included."""
        steps = [
            {"case": {"$gte": ["$codeLength", low]}, "then": low}
            for low, _ in reversed(_answers.BUCKETS)
        ]
        group = {
            "_id": {"$switch": {"branches": steps, "default": 0}},
            "total": _RUNS,
            "successful": _SUCCESSFUL,
            "time": {"$sum": "$executionTime"},
        }
        return _answers.code_length_buckets(
            (found["_id"], found["total"], found["successful"], found["time"])
            for found in await self._group_runs(agent_id, since, group)
        )

    async def repeated_code(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[RepeatedCode]:
        """Code that ran more than once, most often first, then by hash."""
        group = {
            "_id": "$codeHash",
            "total": _RUNS,
            "successful": _SUCCESSFUL,
            "last": {"$max": "$executedAt"},
        }
        found = await self._aggregate(
            "executions",
            {"$match": _runs(agent_id, since)},
            {"$group": group},
            {"$match": {"total": {"$gt": 1}}},
            {"$sort": {"total": -1, "_id": 1}},
            {"$limit": limit},
        )
        return [_repeated(group) for group in found]

    async def slowest(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[ExecutionRecord]:
        """By execution_time, descending, then by sequence; without output, logs and context."""
        found = self._database["executions"].find(
            _runs(agent_id, since), projection=dict.fromkeys(BARE, False)
        )
        found = found.sort([("executionTime", DESCENDING), ("sequence", ASCENDING)]).limit(limit)
        return [record_of({**document, **BARE}) async for document in found]

    async def security_profile(
        self, agent_id: str | None, since: int | None
    ) -> list[SecurityCount]:
        """Counts of the SecurityIssue events, most first, then by pattern and severity."""
        wanted: Document = {"eventType": CODE_SECURITY_ISSUE}
        if agent_id is not None:
            wanted["agentId"] = clean_text(agent_id)
        if since is not None:
            wanted["timestamp"] = {"$gte": DatetimeMS(since)}
        group = {"_id": {"pattern": "$pattern", "severity": "$severity"}, "total": _RUNS}
        found = await self._aggregate("events", {"$match": wanted}, {"$group": group})
        counts = [SecurityCount(**issue["_id"], total=issue["total"]) for issue in found]
        return sorted(counts, key=lambda count: (-count.total, count.pattern, count.severity))

    async def tool_stats(
        self, agent_id: str | None, since: int | None, limit: int, by_agent: bool = False
    ) -> list[ToolStats]:
        """By tool, or by tool and agent: most calls first, then by tool and agent."""
        whose = {"agentId": "$agentId"} if by_agent else {}
        found = await self._aggregate(
            "executions",
            {"$match": {CALLED: True, **_runs(agent_id, since)}},
            {"$project": {"_id": False, "agentId": True, "toolCalls": True}},
            {"$unwind": "$toolCalls"},
            {"$project": {"call": "$toolCalls", "key": {"tool": "$toolCalls.tool", **whose}}},
            {"$addFields": {"timed": {"$gt": ["$call.duration", 0]}}},
            {"$setWindowFields": _RANKED},
            {"$group": _BY_TOOL},
            {"$sort": {"calls": -1, "_id.tool": 1, "_id.agentId": 1}},
            {"$limit": limit},
        )
        return list(map(_tool_stats, found))

    async def _tool_sums(self, agent_id: str | None, since: int | None) -> Document:
        names = ("calls", "turns", "tokens")
        group = {"_id": None, **{name: {"$sum": f"$toolSums.{name}"} for name in names}}
        match = {"$match": {CALLED: True, **_runs(agent_id, since)}}
        found = await self._aggregate("executions", match, {"$group": group})
        return found[0] if found else dict.fromkeys(names, 0)

    async def roll_up(self, now: int, keep_days: int) -> None:
        """Bring the rollups by day, agent and language up to date; drop those past ``keep_days``.

        Rollups come first and the watermark last, so that what breaks off is done again. They only
        ever grow, so that the slower one of two processes does not undo what the other did. The
        slices come after.
        """
        await self._roll_up_days(now, keep_days)
        await self._tally(now, keep_days)

    async def _roll_up_days(self, now: int, keep_days: int) -> None:
        state = await self._database["rollup_state"].find_one({"_id": 1})
        watermark = int(state["watermark"]) if state else 0
        last = await self._database["executions"].find_one(sort=[("sequence", DESCENDING)])
        if last is not None and last["sequence"] > watermark:
            first = _answers.first_rolled_up(now, keep_days)
            for day in await self._changed_days(watermark, first):
                await self._roll_up_day(day)
            moved = {"$max": {"watermark": Int64(last["sequence"])}}
            await self._database["rollup_state"].update_one({"_id": 1}, moved, upsert=True)
        old = {"day": {"$lt": _answers.first_kept(now, keep_days)}}
        await self._database["rollups"].delete_many(old)

    async def _changed_days(self, watermark: int, first: int) -> list[str]:
        in_reach = {"$gte": DatetimeMS(first), "$lt": DatetimeMS(_answers.END_OF_DAYS)}
        wanted = {"sequence": {"$gt": Int64(watermark)}, "executedAt": in_reach}
        day = {"$dateToString": {"format": "%Y-%m-%d", "date": "$executedAt"}}
        found = await self._aggregate("executions", {"$match": wanted}, {"$group": {"_id": day}})
        return [group["_id"] for group in found]

    async def _roll_up_day(self, day: str) -> None:
        start = _answers.start_of(day)
        times = {"$gte": DatetimeMS(start), "$lt": DatetimeMS(start + _answers.DAY)}
        group = {
            "_id": {"agentId": "$agentId", "language": "$language"},
            "total": _RUNS,
            "successful": _SUCCESSFUL,
            "failed": {"$sum": {"$cond": ["$success", 0, 1]}},
            "timeouts": _TIMEOUTS,
            "sumExecutionTime": {"$sum": "$executionTime"},
            "sumMemory": {"$sum": "$memoryUsage"},
            "maxMemory": {"$max": "$memoryUsage"},
        }
        match = {"$match": {"executedAt": times}}
        found = await self._aggregate("executions", match, {"$group": group})
        changes = [UpdateOne({"day": day, **of.pop("_id")}, {"$max": of}, True) for of in found]
        if changes:
            await self._database["rollups"].bulk_write(changes)

    async def _by_language(self, agent_id: str | None, since: int | None) -> list[Document]:
        group = {
            "_id": "$language",
            "total": _RUNS,
            "successful": _SUCCESSFUL,
            "timeouts": _TIMEOUTS,
            "time": {"$sum": "$executionTime"},
        }
        return await self._group_runs(agent_id, since, group)

    async def _percentile(
        self, agent_id: str | None, since: int | None, count: int, percent: int
    ) -> float:
        """By nearest rank, counted from the nearer end."""
        place = _answers.place(count, percent)
        from_end = max(count - 1 - place, 0)
        order, skip = (ASCENDING, place) if place < from_end else (DESCENDING, from_end)
        found = self._database["executions"].find(
            _runs(agent_id, since), projection={"_id": False, "executionTime": True}
        )
        times = await found.sort("executionTime", order).skip(skip).limit(1).to_list()
        return float(times[0]["executionTime"]) if times else 0.0

    async def _group_runs(
        self, agent_id: str | None, since: int | None, group: Document
    ) -> list[Document]:
        match = {"$match": _runs(agent_id, since)}
        return await self._aggregate("executions", match, {"$group": group})

    async def _aggregate(self, name: str, *stages: Mapping[str, Any]) -> list[Document]:
        async with await self._database[name].aggregate(list(stages)) as found:
            return await found.to_list()


def _runs(agent_id: str | None, since: int | None) -> Document:
    wanted: Document = {}
    if agent_id is not None:
        wanted["agentId"] = clean_text(agent_id)
    if since is not None:
        wanted["executedAt"] = {"$gte": DatetimeMS(since)}
    return wanted


def _breakdown(groups: list[Document]) -> dict[str, LanguageCount]:
    counts = {each["_id"]: LanguageCount(each["total"], each["successful"]) for each in groups}
    return {name: counts[name] for name in get_args(Language) if name in counts}


def _failure(document: Document) -> Failure:
    return Failure(
        request_id=document["requestId"],
        code_hash=document["codeHash"],
        language=document["language"],
        error=document["error"],
        error_type=document["errorType"],
        execution_time=document["executionTime"],
        executed_at=int(document["executedAt"]),
    )


def _rollup(document: Document) -> Rollup:
    sums = {name: document[wire] for name, wire in _SUMS.items()}
    return Rollup(**document["_id"], agent_id="", max_memory=document["maxMemory"], **sums)


def _resource_use(document: Document) -> ResourceUse:
    total = document["total"]
    return ResourceUse(
        total_executions=total,
        average_memory=_answers.mean(document["memory"], total),
        max_memory=document["maxMemory"],
        average_execution_time=_answers.mean(document["time"], total),
        max_execution_time=document["maxTime"],
        total_execution_time=document["time"],
        timeout_count=document["timeouts"],
        limit_count=document["limits"],
    )


def _tool_stats(group: Document) -> ToolStats:
    return ToolStats(
        tool=group["_id"]["tool"],
        agent_id=group["_id"].get("agentId"),
        calls=group["calls"],
        failed=group["failed"],
        denied=group["denied"],
        unknown=group["unknown"],
        average_duration=_answers.mean(group["time"], group["timed"]),
        p50_duration=float(group["p50"]),
        p95_duration=float(group["p95"]),
        bytes_in=int(group["bytesIn"]),
        bytes_out=int(group["bytesOut"]),
    )


def _repeated(document: Document) -> RepeatedCode:
    return RepeatedCode(
        code_hash=document["_id"],
        total=document["total"],
        successful=document["successful"],
        last_executed_at=int(document["last"]),
    )

"""Files that runs have shown: for admins, pictures among them as pictures.

Nothing masks what is in a file, so that viewers learn its name and size alone. An admin could take
the agent's place anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from onehop.errors import ArtifactNotFoundError
from onehop.records import ExecutionRecord
from onehop.server._errors import NotFoundError
from onehop.server.dashboard._door import need_admin
from onehop.server.dashboard._executions import find_record
from onehop.server.dashboard._frame import HEADERS
from onehop.server.dashboard._visit import Visit

_SHOWN: Final = 40
"""Files that a page lists."""
_STARTS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


@dataclass(frozen=True, slots=True)
class File:
    """One of them, as the page shows it."""

    id: str
    name: str
    media: str
    """As the code says."""
    size: int
    is_kept: bool
    is_picture: bool


def files_of(visit: Visit, record: ExecutionRecord) -> list[File]:
    """What the record names; only an admin is offered the bytes."""
    named = [each for each in record.details.get("artifacts") or () if isinstance(each, dict)]
    return list(_files(visit, record, named[:_SHOWN]))


def _files(visit: Visit, record: ExecutionRecord, named: list[dict[str, object]]) -> Iterator[File]:
    for each in named:
        data = _bytes(visit, record, str(each.get("id"))) if visit.is_admin else None
        size = each.get("size")
        yield File(
            id=str(each.get("id")),
            name=str(each.get("name")),
            media=str(each.get("type")),
            size=size if isinstance(size, int) else 0,
            is_kept=data is not None,
            is_picture=data is not None and _picture(data) is not None,
        )


async def look(visit: Visit) -> Response:
    """The bytes: a picture to look at, anything else to download."""
    need_admin(visit)
    path = visit.request.path_params
    record = await find_record(visit, visit.named("requestId"), visit.asked.get("agentId"))
    known = {file.id: file for file in files_of(visit, record)}
    data = _bytes(visit, record, path["artifactId"]) if path["artifactId"] in known else None
    if data is None:
        raise NotFoundError("this file is not kept any more, or the run has no such file")
    headers = {**HEADERS, "Content-Security-Policy": "default-src 'none'; sandbox"}
    picture = _picture(data)
    if picture is None:
        headers["Content-Disposition"] = 'attachment; filename="artifact"'
    return Response(data, headers=headers, media_type=picture or "application/octet-stream")


def _bytes(visit: Visit, record: ExecutionRecord, artifact_id: str) -> bytes | None:
    artifacts = visit.parts.executor.sandbox.artifacts
    try:
        return artifacts.read(artifact_id, record.agent_id)[1]
    except ArtifactNotFoundError:
        return None


def _picture(data: bytes) -> str | None:
    """Its media type by its first bytes, whatever the code says."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media for start, media in _STARTS.items() if data.startswith(start)), None)

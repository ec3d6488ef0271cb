"""Files that a run has shown: small pictures as image blocks, the rest as links to resources."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import mcp_types as types
from pydantic_core import to_json

from onehop.errors import ArtifactNotFoundError, InvalidRequestError
from onehop.sandbox import Sandbox
from onehop.sandbox.services import sniffed
from onehop.types import Artifact, ExecutionResult

TEMPLATE: Final = "onehop://artifacts/{id}"
PREFIX: Final = "onehop://artifacts/"
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_ROOM: Final = 256 * 1024
"""Bytes of all pictures of one answer, which clients want below 1 MiB with all else in it."""
_REST: Final = 128 * 1024
"""Bytes of the rest of an answer, beyond which no picture is put into it."""
_READABLE: Final = 640 * 1024
"""Bytes of a file that is read as a resource; a larger one is downloaded by HTTP."""


def blocks(result: ExecutionResult, sandbox: Sandbox, agent_id: str) -> list[types.ContentBlock]:
    """One for each file that the run has shown, in order."""
    shown = result.artifacts or []
    room = _ROOM if shown and len(to_json(result.output, inf_nan_mode="null")) < _REST else 0
    made: list[types.ContentBlock] = []
    for artifact in shown:
        data = _picture(artifact, sandbox, agent_id) if artifact.size <= room else None
        if data is None:
            made.append(link(artifact))
        else:
            room -= artifact.size
            text = b64encode(data).decode()
            made.append(types.ImageContent(data=text, mime_type=artifact.type))
    return made


def _picture(artifact: Artifact, sandbox: Sandbox, agent_id: str) -> bytes | None:
    """Its bytes, if they are of the type that it says."""
    if artifact.type not in _PICTURES:
        return None
    try:
        data = sandbox.read_artifact(artifact.id, agent_id=agent_id)
    except ArtifactNotFoundError:
        return None
    return data if sniffed(data) == artifact.type else None


def link(artifact: Artifact) -> types.ResourceLink:
    """How a file is named in a result."""
    return types.ResourceLink(
        uri=PREFIX + artifact.id,
        name=artifact.name,
        mime_type=artifact.type,
        size=artifact.size,
    )


def template() -> types.ResourceTemplate:
    """How files are named."""
    return types.ResourceTemplate(
        uri_template=TEMPLATE,
        name="artifact",
        title="A file that a run has shown",
        description=f"Its bytes, up to {_READABLE}; larger ones are downloaded by HTTP. Only of "
        "your own runs.",
    )


def read(sandbox: Sandbox, agent_id: str, uri: str) -> types.BlobResourceContents:
    """A file by its URI. Raises ArtifactNotFoundError and InvalidRequestError."""
    artifact, data = sandbox.artifacts.read(uri.removeprefix(PREFIX), agent_id)
    if artifact.size > _READABLE:
        got, allowed = f"a file of {artifact.size} bytes", f"one of at most {_READABLE} bytes"
        raise InvalidRequestError("uri", got, f"{allowed}; download it by HTTP")
    text = b64encode(data).decode()
    return types.BlobResourceContents(uri=uri, mime_type=artifact.type, blob=text)

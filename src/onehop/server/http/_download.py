"""A file of a run, which hostile code has made: sent so that no browser shows or runs it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from onehop.types import Artifact


class Download(Response):
    """Is saved, and nothing else: whatever its type says, no page of ours opens it."""

    def __init__(self, artifact: Artifact, data: bytes) -> None:
        plain = "".join(
            c if (c.isascii() and c.isalnum()) or c in "._-" else "_" for c in artifact.name
        )
        name = quote(artifact.name, safe="")
        super().__init__(
            data,
            media_type=artifact.type,
            headers={
                "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )

"""OpenAPI documents as namespaces: each operation a tool, called over HTTP."""

from __future__ import annotations

from onehop.upstreams.openapi._options import OpenApiOptions, read_openapi_options
from onehop.upstreams.openapi._provider import OpenApi

__all__ = ["OpenApi", "OpenApiOptions", "read_openapi_options"]

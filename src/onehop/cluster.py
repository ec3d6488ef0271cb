"""``RayBackend``, by the name that programs import it by: see ``onehop.backends.cluster``."""

from __future__ import annotations

from onehop.backends.cluster import RayBackend

__all__ = ["RayBackend"]

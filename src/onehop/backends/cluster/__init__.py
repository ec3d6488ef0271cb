"""Runs on the nodes of a Ray cluster, one pool of jailed workers on each."""

from __future__ import annotations

from onehop.backends.cluster.backend import RayBackend

__all__ = ["RayBackend"]

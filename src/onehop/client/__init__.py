"""Calls a server of onehop, from async code or not; loads neither the sandbox nor the server."""

from __future__ import annotations

from onehop._extras import needed_for

with needed_for("onehop's client"):
    from onehop.client._client import AgentClient
    from onehop.client._sync import SyncAgentClient
    from onehop.client._wire import Identity

__all__ = ["AgentClient", "Identity", "SyncAgentClient"]

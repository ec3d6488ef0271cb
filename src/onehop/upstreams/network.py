"""Connections for others that call out: they reach no address that an upstream may not have."""

from __future__ import annotations

from onehop.upstreams.openapi._network import AddressRefusedError, CheckedNetwork

__all__ = ["AddressRefusedError", "CheckedNetwork"]

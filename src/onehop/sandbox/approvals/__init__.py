"""People decide about calls of tools: what waits is in the store, where any server finds it."""

from __future__ import annotations

from onehop.sandbox.approvals._approvals import Approvals
from onehop.sandbox.approvals._waiting import Hear, Holder, RunAsker

__all__ = ["Approvals", "Hear", "Holder", "RunAsker"]

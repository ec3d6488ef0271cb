"""Tells an address of the operator about calls that wait for a person, signed and repeated."""

from __future__ import annotations

from onehop.webhooks._compose import open_webhook
from onehop.webhooks._webhook import Webhook

__all__ = ["Webhook", "open_webhook"]

"""Tells an address of the operator about calls that wait for a person, signed and repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.execution.webhooks._compose import open_webhook
    from onehop.execution.webhooks._settings import address_of, secret_of
    from onehop.execution.webhooks._webhook import Webhook

__all__ = ["Webhook", "address_of", "open_webhook", "secret_of"]

__getattr__ = late(
    {  # what checks settings does without the client of HTTP
        "onehop.execution.webhooks._compose": "open_webhook",
        "onehop.execution.webhooks._settings": "address_of secret_of",
        "onehop.execution.webhooks._webhook": "Webhook",
    }
)

"""Tells an address of the operator about calls that wait for a person, signed and repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.webhooks._compose import open_webhook
    from onehop.webhooks._settings import address_of, secret_of
    from onehop.webhooks._webhook import Webhook

__all__ = ["Webhook", "address_of", "open_webhook", "secret_of"]

__getattr__ = late(
    {  # what checks settings does without the client of HTTP
        "onehop.webhooks._compose": "open_webhook",
        "onehop.webhooks._settings": "address_of secret_of",
        "onehop.webhooks._webhook": "Webhook",
    }
)

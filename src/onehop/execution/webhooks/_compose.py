"""The webhook that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from onehop.config import WebhookConfig
from onehop.errors import StoreError
from onehop.events import ApprovalRequested
from onehop.execution.webhooks._sending import Receiver
from onehop.execution.webhooks._settings import address_of, secret_of
from onehop.execution.webhooks._webhook import Find, Webhook, untold
from onehop.stores.base import Store


@asynccontextmanager
async def open_webhook(config: WebhookConfig, store: Store) -> AsyncIterator[Webhook]:
    """Open until the end of the block. Raises ConfigError for a URL or a secret that cannot be
    used."""
    url, key = address_of(config), secret_of(config)
    receiver = Receiver(url, private=config.private)
    find = _finder(store) if config.arguments else untold
    try:
        async with Webhook(receiver, key, arguments_of=find) as webhook:
            yield webhook
    finally:
        await receiver.aclose()


def _finder(store: Store) -> Find:
    async def find(event: ApprovalRequested) -> str | None:
        try:
            known = await store.approvals(run_id=event.run_id, limit=1000)
        except StoreError:
            return None
        return next((each.arguments for each in known if each.call_id == event.call_id), None)

    return find

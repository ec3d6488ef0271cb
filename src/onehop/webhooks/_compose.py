"""The webhook that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from onehop.config import WebhookConfig
from onehop.errors import ConfigError, StoreError
from onehop.events import ApprovalRequested
from onehop.stores.base import Store
from onehop.webhooks._sending import Receiver
from onehop.webhooks._signing import key_of
from onehop.webhooks._webhook import Find, Webhook, untold


@asynccontextmanager
async def open_webhook(config: WebhookConfig, store: Store) -> AsyncIterator[Webhook]:
    """Open until the end of the block. Raises ConfigError for a URL or a secret that cannot be
    used."""
    url, key = _url(config), _key(config)
    receiver = Receiver(url, private=config.private)
    find = _finder(store) if config.arguments else untold
    try:
        async with Webhook(receiver, key, arguments_of=find) as webhook:
            yield webhook
    finally:
        await receiver.aclose()


def _url(config: WebhookConfig) -> str:
    url = config.url.get_secret_value() if config.url else ""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts[1]
        _ = parts.port
    except ValueError:
        is_good = False
    if not (is_good and url.isascii() and url.isprintable() and " " not in url):
        raise ConfigError("webhook.url", "write an address such as https://chat.example/hook")
    return url


def _key(config: WebhookConfig) -> bytes:
    if config.secret is None:
        advice = "a webhook is signed: set a secret, whsec_ and the base64 of 32 random bytes"
        raise ConfigError("webhook.secret", advice)
    return key_of(config.secret.get_secret_value())


def _finder(store: Store) -> Find:
    async def find(event: ApprovalRequested) -> str | None:
        try:
            known = await store.approvals(run_id=event.run_id, limit=1000)
        except StoreError:
            return None
        return next((each.arguments for each in known if each.call_id == event.call_id), None)

    return find

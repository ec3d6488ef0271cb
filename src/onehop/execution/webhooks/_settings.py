"""The address and the secret of a webhook, as the settings give them: usable, or refused."""

from __future__ import annotations

from urllib.parse import urlsplit

from onehop.config import WebhookConfig
from onehop.errors import ConfigError
from onehop.execution.webhooks._signing import key_of


def address_of(config: WebhookConfig) -> str:
    """Where messages are sent. Raises ConfigError for an address that cannot be used."""
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


def secret_of(config: WebhookConfig) -> bytes:
    """What messages are signed with. Raises ConfigError for a secret that cannot be used."""
    if config.secret is None:
        advice = "a webhook is signed: set a secret, whsec_ and the base64 of 32 random bytes"
        raise ConfigError("webhook.secret", advice)
    return key_of(config.secret.get_secret_value())

"""Secrets from the keyring of this user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from onehop import ConfigError
from onehop.upstreams._secrets import Resolved, resolve


class Kept(KeyringBackend):
    """A keyring that lies in memory."""

    priority: ClassVar[float] = 1

    def get_password(self, service: str, username: str) -> str | None:
        if service == "locked":
            raise KeyringLocked("it is locked")
        return {("crm/eu", "ada"): "pass-of-ada"}.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def test_a_secret_comes_from_the_keyring_and_is_masked() -> None:
    found = Resolved({"Authorization": "Bearer keyring:crm/eu/ada"}, "x", {})
    assert found.values == {"Authorization": "Bearer pass-of-ada"}
    assert "pass-of-ada" in found.secrets


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("keyring:crm/eu/bob", "nothing for bob at crm/eu"),
        ("keyring:crm", "write keyring:SERVICE/USER"),
        ("keyring:locked/ada", "it is locked"),
    ],
)
def test_what_is_not_there_is_named(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        resolve(text, "upstream.crm.url", {})

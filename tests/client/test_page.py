"""docs/reference/client.md names all that there is, and both clients have the same methods."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from onehop import errors
from onehop.client import AgentClient, SyncAgentClient
from tests.users import ROOT

pytestmark = pytest.mark.unit

PAGE = (ROOT / "docs/reference/client.md").read_text("utf-8")
NAMES = sorted(name for name in vars(AgentClient) if not name.startswith("_"))
REMOTE = [
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.RemoteError)
]


def test_both_clients_have_the_same_methods() -> None:
    assert sorted(name for name in vars(SyncAgentClient) if not name.startswith("_")) == NAMES


@pytest.mark.parametrize("name", ["__init__", *NAMES])
def test_both_clients_take_the_same_arguments(name: str) -> None:
    assert arguments(getattr(AgentClient, name)) == arguments(getattr(SyncAgentClient, name))


def arguments(method: Callable[..., Any] | property) -> list[inspect.Parameter]:
    if isinstance(method, property):
        return []
    return list(inspect.signature(method).parameters.values())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "identity"])
def test_the_page_names_every_method(name: str) -> None:
    assert f"`{name}(" in PAGE


@pytest.mark.parametrize("name", [name for name in REMOTE if name != "RemoteError"])
def test_the_page_names_every_exception(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_what_the_page_names_as_an_exception_is_one() -> None:
    for name in re.findall(r"`(\w+Error|Overloaded)`", PAGE):
        assert hasattr(errors, name) or hasattr(builtins, name), name


def test_the_page_has_the_defaults() -> None:
    parameters = inspect.signature(AgentClient).parameters
    for name in ("timeout", "retries"):
        assert f"| `{name}` | {parameters[name].default} |" in PAGE

"""How a store is named, chosen and opened."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from onehop.config import AuditConfig
from onehop.errors import ConfigError
from onehop.stores import default_url, make_store, open_store
from onehop.stores._urls import masked
from onehop.stores.memory import MemoryStore
from onehop.stores.mongodb import MongoStore
from onehop.stores.sql import SqlStore
from tests.stores.records import entries, record


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryStore),
        ("sqlite:///store.db", SqlStore),
        ("sqlite+aiosqlite:////tmp/store.db", SqlStore),
        ("postgresql://host/name", SqlStore),
        ("postgresql+asyncpg://host/name", SqlStore),
        ("postgres://host/name", SqlStore),
        ("mongodb://host/name", MongoStore),
        ("mongodb+srv://host/name", MongoStore),
    ],
)
def test_the_scheme_chooses_the_store(url: str, kind: type) -> None:
    assert type(make_store(url)) is kind


@pytest.mark.parametrize("url", ["mysql://u:s3cret@host/name", "store.db", "", "https://host"])
def test_an_unknown_scheme_lists_what_is_known(url: str) -> None:
    with pytest.raises(
        ConfigError, match=r"sqlite:///PATH.*postgresql://.*mongodb://.*memory:"
    ) as e:
        make_store(url)
    assert "s3cret" not in str(e.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:store.db", "sqlite:///a?b=c"])
def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="names no SQLite file"):
        make_store(url)


@pytest.mark.parametrize("scheme", ["postgresql", "mongodb"])
@pytest.mark.parametrize("password", ["s3/cret", "s3#cret", "s3?cret"])
async def test_a_password_that_breaks_the_url_is_not_shown(scheme: str, password: str) -> None:
    with pytest.raises(ConfigError, match="%-escapes") as error:
        await make_store(f"{scheme}://user:{password}@host:1/name").open()
    assert "cret" not in str(error.value)
    assert "s3" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///store.db", "sqlite:///store.db"),
        ("memory:", "memory:"),
        ("postgresql://host/name", "postgresql://host/name"),
        ("postgresql://user@host/name", "postgresql://user@host/name"),
        ("postgresql://user:pass@host/name", "postgresql://user:***@host/name"),
        ("postgresql://user:p@ss@host/name", "postgresql://user:***@host/name"),
        ("postgresql://user:p/a?s#s@host/name", "postgresql://user:***@host/name"),
        (
            "postgresql://host/name?user=me&password=pass&sslmode=require",
            "postgresql://host/name?user=me&password=***&sslmode=require",
        ),
        ("mongodb://user:pass@a:1,b:2/name?tls=true", "mongodb://user:***@a:1,b:2/name?tls=true"),
        (
            "mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:abc",
            "mongodb://host/?authMechanismProperties=***",
        ),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


async def test_without_a_name_it_is_a_private_file_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    before = os.umask(0)
    try:
        store = await open_store(AuditConfig())
        await store.append(entries(record()))
        path = Path(default_url().removeprefix("sqlite:///"))
        assert path.name == "onehop.db"
        assert path.is_relative_to(tmp_path)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)
        await store.aclose()


async def test_the_key_of_the_configuration_goes_into_the_chain(tmp_path: Path) -> None:
    store = await open_store(
        AuditConfig(store=f"sqlite:///{tmp_path / 'a.db'}", key=SecretStr("secret"))
    )
    run = record()
    await store.append(entries(run))
    kept = await store.get(run.request_id)
    assert kept is not None
    assert kept.hash == kept.compute_hash(b"secret")
    await store.aclose()


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_driver_is_imported_before_its_store_is_chosen() -> None:
    seen = (
        "import sys, onehop, onehop.stores\n"
        "drivers = {'sqlalchemy', 'aiosqlite', 'asyncpg', 'pymongo', 'bson'}\n"
        "def seen(): return sorted(drivers & {name.partition('.')[0] for name in sys.modules})\n"
        "onehop.stores.make_store('memory:')\n"
        "print(seen())\n"
        "onehop.stores.make_store('sqlite:///a.db')\n"
        "print(seen())\n"
    )
    assert _python(seen) == "[]\n['sqlalchemy']\n"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("package", "url", "extra"),
    [("asyncpg", "postgresql://host/a", "postgresql"), ("pymongo", "mongodb://host/a", "mongodb")],
)
def test_a_missing_driver_is_the_pip_command(package: str, url: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"import onehop.stores\n"
        f"from onehop.errors import ConfigError\n"
        f"try: onehop.stores.make_store({url!r})\n"
        f"except ConfigError as error: print(error)\n"
    )
    assert f"pip install 'onehop[{extra}]'" in _python(code)

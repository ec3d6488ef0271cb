"""Real database servers for the tests, which can go away and come back."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import SkipTest

_PATIENCE = 30.0
_DATABASES = Path("/usr/lib/postgresql")


class _Server:
    """One process that listens on a port of this machine; it keeps both over a restart."""

    url: str
    port: int

    def __init__(self) -> None:
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again with the same data, and wait until it answers."""
        assert self._process is None, "it runs already"
        self._process = self._launch()
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._process.poll() is None, f"{type(self).__name__} ended: {self._words()}"
            assert time.monotonic() < deadline, f"{type(self).__name__} does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, as a crash would; what it has said to have written stays."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(self._farewell)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_PATIENCE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._tidy()

    _farewell: signal.Signals

    def _launch(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _words(self) -> str:
        raise NotImplementedError

    def _tidy(self) -> None:
        raise NotImplementedError


class PostgresServer(_Server):
    """PostgreSQL, with one empty database; ``create`` makes more room."""

    _farewell = signal.SIGQUIT  # leaves at once; the log brings the data back

    def __init__(self, **settings: object) -> None:
        """``settings`` beside the usual ones, by their names in postgresql.conf."""
        super().__init__()
        self._settings = settings
        self._scripts: dict[str, str] = {}
        self._programs = _postgres_programs()
        self._user = _unprivileged_user()
        self._folder = Path(tempfile.mkdtemp(prefix="onehop-postgres-"))
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", "data", "-U", "onehop", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.url = f"postgresql://onehop:secret@127.0.0.1:{self.port}/postgres"

    def create(self, name: str) -> str:
        """An empty schema, which is quicker to make than a database: its URL."""
        self._run("psql", *self._address, "-qc", f"CREATE SCHEMA {name}")
        return self._url_of(name)

    def tree(self) -> list[int]:
        """Its processes."""
        assert self._process is not None
        return [self._process.pid, *(_children(self._process.pid))]

    def copy(self, name: str, like: str) -> str:
        """Another schema with all that ``like`` had at the first copy: its URL."""
        if like not in self._scripts:
            words = ("-n", like, "--inserts", *self._address[:-1])
            self._scripts[like] = self._run("pg_dump", *words)
        script = self._scripts[like].replace(like, name)
        self._run("psql", *self._address, "-q1v", "ON_ERROR_STOP=1", script=script)
        return self._url_of(name)

    def _url_of(self, schema: str) -> str:
        return f"{self.url}?search_path={schema}"

    @property
    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "onehop", "-d", "postgres", "-X"]

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "max_connections": 60,
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", "data", *options],
                stdout=log,
                stderr=log,
                **self._surroundings(),
            )

    def _answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), *self._address[:4], "-q"]
        return subprocess.run(command, check=False).returncode == 0

    def _words(self) -> str:
        return (self._folder / "log").read_text()[-2000:]

    def _run(self, program: str, *arguments: str, script: str = "") -> str:
        command = [str(self._programs / program), *arguments]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            input=script,
            capture_output=True,
            text=True,
            check=False,
            **self._surroundings(),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _surroundings(self) -> dict[str, Any]:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(self._folder)}
        known: dict[str, Any] = {"cwd": self._folder, "env": environment}
        if self._user is None:
            return known
        ids = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return {**known, **ids}

    def _tidy(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


class MongoServer(_Server):
    """A server that speaks MongoDB's protocol, from the package secantusdb."""

    _farewell = signal.SIGKILL  # it writes through, and takes two seconds to leave in order

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="onehop-mongo-"))
        self.url = f"mongodb://127.0.0.1:{self.port}/onehop"

    def create(self, name: str) -> str:
        """Another empty database: its URL."""
        return self.url.removesuffix("onehop") + name

    def _launch(self) -> subprocess.Popen[bytes]:
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "ERROR"]
        words += ["--storage-path", str(self._folder / "data"), "--standalone", "--sync-on-commit"]
        with (self._folder / "log").open("ab") as log:
            command = [sys.executable, "-W", "ignore", "-m", "secantus", *words]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _words(self) -> str:
        return (self._folder / "log").read_text()[-2000:]

    def _tidy(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@functools.cache
def _postgres_programs() -> Path:
    """The folder of the newest PostgreSQL of this machine; without one the test is skipped."""
    found = sorted(_DATABASES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise SkipTest("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    return Path(on_path).resolve().parent


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as, since it refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

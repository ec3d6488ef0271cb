"""The page ``/docs`` and all that it loads come from this server, and ask no other."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from zipfile import ZipFile

import httpx2
import pytest

from tests.server.served import Served
from tests.users import ROOT

VENDORED = ROOT / "src/onehop/server/http/swagger_ui"
TYPESCRIPT = ROOT / "src/onehop/compiler/typescript"
OURS = ROOT / "src/onehop/server/http/page"
DASHBOARD = tuple(
    ROOT / "src/onehop/server/dashboard" / name for name in ("assets", "templates", "uplot")
)
ASSETS = {
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/docs.js": "text/javascript; charset=utf-8",
    "/docs/favicon.png": "image/png",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
}


@pytest.fixture
def nobody(served: Served) -> Iterator[httpx2.Client]:
    """Without a key."""
    with served.client() as client:
        yield client


class Page(HTMLParser):
    """What a page loads, and what it brings along itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attrs:
            if name in ("src", "href"):
                self.links.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style") and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = ""


def test_the_page_and_all_that_it_loads_need_no_key(nobody: httpx2.Client) -> None:
    page = nobody.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    addresses = {urljoin("/docs", link) for link in Page(page.text).links}
    assert addresses == {*ASSETS, "/openapi.json"}
    for address, kind in ASSETS.items():
        answer = nobody.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert len(answer.content) > 30


def test_the_page_names_no_other_host_and_has_no_program_inline(nobody: httpx2.Client) -> None:
    page = Page(nobody.get("/docs").text)
    assert not [link for link in page.links if urlsplit(link).scheme or urlsplit(link).netloc]
    assert not page.inline
    for own in OURS.iterdir():
        assert not re.search(r"https?:|//\w", own.read_text("utf-8")), own
    sheet = nobody.get("/docs/swagger-ui.css").text
    assert not re.search(r"@import|url\((?![\"']?data:)", sheet)


def test_the_page_shows_the_document_beside_it(nobody: httpx2.Client) -> None:
    program = nobody.get("/docs/docs.js").text
    assert 'url: "openapi.json"' in program
    assert "validatorUrl: null" in program
    assert nobody.get("/openapi.json").json()["info"]["title"] == "onehop"


def test_a_browser_lets_the_page_load_from_here_only(nobody: httpx2.Client) -> None:
    for address in ("/docs", *ASSETS):
        headers = nobody.get(address).headers
        directives = [
            directive.split() for directive in headers["content-security-policy"].split("; ")
        ]
        allowed = {name: set(sources) for name, *sources in directives}
        assert allowed["default-src"] == {"'none'"}
        assert allowed["script-src"] == allowed["connect-src"] == {"'self'"}
        assert set.union(*allowed.values()) == {"'none'", "'self'", "data:"}
        assert {"base-uri", "form-action", "frame-ancestors"} <= set(allowed)
        assert headers["x-content-type-options"] == "nosniff"


def test_what_a_browser_has_is_not_sent_again(nobody: httpx2.Client) -> None:
    for address in ("/docs", *ASSETS):
        first = nobody.get(address)
        assert first.headers["cache-control"] == "no-cache"
        again = nobody.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["content-security-policy"]
        changed = nobody.get(address, headers={"If-None-Match": '"of another version"'})
        assert changed.content == first.content


def test_other_files_and_other_hosts_are_not_answered(nobody: httpx2.Client) -> None:
    for address in ("/docs/README.md", "/docs/..%2fapp.py", "/docs/page/docs.js"):
        assert nobody.get(address).json()["error"]["code"] == "not_found"
    for address in ("/docs", *ASSETS):
        answer = nobody.get(address, headers={"Host": "elsewhere.example"})
        assert answer.json()["error"]["code"] == "wrong_host"
    refused = nobody.post("/docs", json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_the_page_says_which_key_to_enter(nobody: httpx2.Client) -> None:
    document = nobody.get("/openapi.json").json()
    assert "**Authorize**" in document["info"]["description"]
    assert "onehop agents add NAME" in document["info"]["description"]
    schemes = document["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    assert all("key" in scheme["description"] for scheme in schemes.values())


@pytest.mark.parametrize("folder", [VENDORED, TYPESCRIPT], ids=lambda folder: folder.name)
def test_vendored_files_are_those_of_the_package_that_is_named(folder: Path) -> None:
    table = (folder / "README.md").read_text("utf-8")
    named = dict(re.findall(r"^\| `([\w.-]+)` \| `(\w{64})` \|$", table, re.MULTILINE))
    assert len(named) == 3
    for name, digest in named.items():
        assert sha256((folder / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.thorough
def test_a_wheel_has_the_page_and_the_licences(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    for folder in (OURS, VENDORED, TYPESCRIPT, *DASHBOARD):
        for file in (each for each in folder.rglob("*") if each.is_file()):
            assert str(file.relative_to(ROOT / "src")) in packed
    licences = {name.partition("/licenses/")[2] for name in packed if "/licenses/" in name}
    kept = ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt")
    vendored = {str((VENDORED / name).relative_to(ROOT)) for name in kept}
    vendored |= {str(file.relative_to(ROOT)) for file in TYPESCRIPT.glob("*.txt")}
    vendored.add("src/onehop/server/dashboard/uplot/LICENSE")
    assert licences == {"LICENSE", *vendored}

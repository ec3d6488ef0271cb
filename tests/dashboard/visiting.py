"""A browser's manners without a browser: cookies, where a form is from, and its hidden token."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx2


class Visitor:
    """Somebody at the dashboard, who sends what a browser would."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx2.Client(base_url=url, timeout=30)
        self.origin: dict[str, str] = {"Origin": url, "Sec-Fetch-Site": "same-origin"}

    def close(self) -> None:
        """Leave."""
        self.http.close()

    def log_in(self, key: str, **fields: str) -> httpx2.Response:
        """Send the form of the login."""
        data = {"key": key, **fields}
        return self.http.post("/dashboard/login", data=data, headers=self.origin)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """A page."""
        return self.http.get(path, headers=headers)

    def token(self) -> str:
        """What the forms of this person's pages carry."""
        found = re.search(
            r'name="token" value="([0-9a-f]{64})"', self.get("/dashboard/security").text
        )
        assert found is not None
        return found[1]

    def send(self, path: str, data: dict[str, str] | None = None, **headers: str) -> Any:
        """Send a form of one of the pages."""
        fields = {"token": self.token(), **(data or {})}
        return self.http.post(path, data=fields, headers={**self.origin, **headers})


class Elements(HTMLParser):
    """What a page is made of, as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inline: list[str] = []
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.tags.append((tag, dict(attrs)))
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style") and data.strip():
            self.inline.append(data)
        self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def links(self) -> list[str]:
        """What it loads and leads to."""
        names = ("src", "href", "action")
        return [attrs[name] or "" for _, attrs in self.tags for name in names if name in attrs]

"""Pages as HTML: templates of this package, and the headers that every page has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.types import Scope

from onehop._version import onehop_version
from onehop.server.dashboard import _figures, _layers, _shown
from onehop.server.dashboard._assets import asset_path
from onehop.server.dashboard._segments import segment

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types onehop",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with less, browsers leave the Origin of a form out
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""A page holds nothing of its own that runs, and loads nothing from elsewhere."""
NAVIGATION: Final = (
    ("overview", "dashboard", "Overview"),
    ("live", "dashboard/live", "Live feed"),
    ("executions", "dashboard/executions", "Executions"),
    ("approvals", "dashboard/approvals", "Approvals"),
    ("agents", "dashboard/agents", "Agents"),
    ("tools", "dashboard/tools", "Tools"),
    ("snippets", "dashboard/snippets", "Snippets"),
    ("security", "dashboard/security", "Security"),
)
_FILTERS: Final = {
    "shown": _shown.marked,
    "shown_lines": _shown.lines,
    "visible": _shown.visible,
    "name": _shown.name,
    "count": _figures.count,
    "segment": segment,
    "short": _figures.short,
    "share": _figures.share,
    "duration": _figures.duration,
    "size": _figures.size,
    "memory": _figures.memory,
    "moment": _figures.moment,
}


class Frame:
    """Renders templates; they are read when the first page is asked for."""

    async def page(
        self, template: str, facts: Mapping[str, Any], *, up: str, status: int = 200
    ) -> Response:
        """A page; ``up`` leads from its address to the root, so that links work behind a proxy
        that puts a path in front. A large one is put together in a thread."""
        text = await asyncio.to_thread(self._render, template, {**facts, "up": up})
        return Response(text, status, headers=HEADERS, media_type="text/html")

    def warm(self) -> None:
        """Read all templates in the background, while a person types a key, and what the first
        page says of this machine."""
        asyncio.get_running_loop().run_in_executor(None, self._read)

    def _read(self) -> None:
        for name in self._environment.list_templates():
            self._environment.get_template(name)
        _layers.warm()

    def _render(self, template: str, facts: Mapping[str, Any]) -> bytes:
        text = self._environment.get_template(template).render(facts)
        return text.encode(errors="replace")  # half a surrogate pair cannot be sent

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        made = Environment(
            loader=PackageLoader(__package__ or "", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown.plain,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters.update(_FILTERS)
        made.globals.update(
            asset=asset_path, navigation=NAVIGATION, version=onehop_version(), refresh=0
        )
        return made


def up_from(scope: Scope) -> str:
    """The way from an address to ``/``: for ``/dashboard/live`` it is ``../``. An escaped slash in
    the address is none to a browser."""
    sent = scope.get("raw_path")
    path: str = sent.partition(b"?")[0].decode("latin-1") if sent else scope["path"]
    return "../" * (path.count("/") - 1)

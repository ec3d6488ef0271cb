"""How Sphinx makes the site of docs/: `scripts/site` builds it, and every warning is an error."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parent.parent

project = "onehop"
author = "the onehop maintainers"
copyright = f"{author}, Apache License 2.0"  # noqa: A001 - Sphinx reads this name
release = version = installed("onehop")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 4  # the anchors that links have on the repository's page, too
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["misc.highlighting_failure", "myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
add_module_names = False

html_theme = "furo"
html_title = f"onehop {release}"
html_static_path = ["_static"]
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
html_copy_source = False
html_show_sphinx = False
html_domain_indices = False

AT_HOME = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing/index.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/results/summary.md": "explanation/benchmarks.md",
}
"""Files outside of docs/ that the site has as pages."""

LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
INSERT = re.compile(r"^The site has the text of \[[^]]+\]\(([^)]+)\) here\.$", re.MULTILINE)


def read_page(app: Any, page: str, source: list[str]) -> None:
    """Put files from outside of docs/ where a page asks for them, and lead links to such pages."""
    folder = Path(app.srcdir, page).parent
    found = INSERT.search(source[0])
    text = link_pages(source[0], folder, folder)
    if found:
        whole = (folder / found[1]).read_text("utf-8")
        text = INSERT.sub(lambda _: link_pages(whole, ROOT, folder), source[0], count=1)
    source[0] = text


def link_pages(text: str, written: Path, shown: Path) -> str:
    """The text with its links as they must be in ``shown``; it was written for ``written``."""

    def link(found: re.Match[str]) -> str:
        target = (written / found[1]).resolve()
        name = str(target.relative_to(ROOT)) if target.is_relative_to(ROOT) else ""
        target = ROOT / "docs" / AT_HOME[name] if name in AT_HOME else target
        return os.path.relpath(target, shown)

    return LINK.sub(link, text)


def show_trees(
    _app: Any, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]
) -> None:
    """Show a tree in a docstring as it is typed."""
    branches = [place for place, line in enumerate(lines) if line.startswith(("├", "│", "└"))]
    if branches:
        first, last = branches[0] - 1, branches[-1] + 1  # the root stands above the branches
        tree = ["::", "", *(f"    {line}" for line in lines[first:last]), ""]
        lines[first:last] = tree


def write_openapi(app: Any, failure: Exception | None) -> None:
    """Put the document of the HTTP API beside the pages."""
    if failure is None and app.builder.format == "html":
        command = [sys.executable, str(ROOT / "scripts" / "_openapi.py"), "--json"]
        with Path(app.outdir, "openapi.json").open("w") as file:
            subprocess.run(command, stdout=file, check=True)


FOREIGN = re.compile(
    r"""<(?:script|img|iframe)[^>]+src=["']?(?:https?:)?//|<link[^>]+href=["']?(?:https?:)?//"""
    r"""|@import|url\(["']?(?:https?:)?//"""
)


def refuse_other_hosts(app: Any, failure: Exception | None) -> None:
    """No page may load anything from another host."""
    for file in [*Path(app.outdir).rglob("*.html"), *Path(app.outdir).rglob("*.css")]:
        found = None if failure else FOREIGN.search(file.read_text("utf-8"))
        if found:
            raise ExtensionError(f"{file} loads something from another host: {found[0]}")


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", show_trees)
    app.connect("build-finished", write_openapi)
    app.connect("build-finished", refuse_other_hosts)

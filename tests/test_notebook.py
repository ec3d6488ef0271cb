"""Results, statistics and history in a notebook: a real kernel shows them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from onehop._markup import Shown, text, tree
from onehop.answers import AgentStats, Failure
from tests.waiting import PATIENCE

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>&lt;</pre></details>\"'"
    "\x1b[31m\u202edesrever\u2066\x00\u200f"
)
TAGS = {
    *("div", "b", "bdi", "pre", "span", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
STEERS = "\x00\x1b\u202e\u2066\u200f"
CELLS = f"""\
import json, onehop
hostile = json.loads({json.dumps(json.dumps(HOSTILE))})
---
code = "console.log(context.h); return {{[context.h]: [context.h, {{deep: context.h}}]}}"
onehop.run(code, context={{"h": hostile}})
---
onehop.run("console.error(context.h); throw new Error(context.h)", context={{"h": hostile}})
---
onehop.validate_code("return eval('" + hostile[:24] + "')")
---
opened = onehop.open_executor(audit=onehop.AuditConfig(store="memory:"))
executor = await opened.__aenter__()
words = hostile.replace("\\0", "")
call = {{"context": {{"h": hostile}}, "description": "about " + words, "agent_id": "ada"}}
await executor.execute("return context.h // " + words, **call)
failed = await executor.execute("throw new Error(context.h)", **call)
await executor.flush()
asked = onehop.Analytics(executor.store)
---
await asked.get_agent_stats("ada")
---
await asked.get_history("ada")
---
(await asked.get_history("ada"))[0]
---
await asked.get_recent_failures("ada")
---
await asked.get_resource_use("ada")
---
await opened.__aexit__(None, None, None)
"""


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def check(html: str) -> Page:
    """Nothing but our own tags, each closed, and nothing that steers."""
    page = Page(html)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attributes in page.tags for name in attributes} <= {"style", "open"}
    assert not set(STEERS) & set(html)
    return page


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What each cell of a notebook shows."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[
            nbformat.v4.new_code_cell(each)  # type: ignore[no-untyped-call]
            for each in CELLS.split("---\n")
        ]
    )
    client = NotebookClient(
        notebook,
        timeout=int(PATIENCE * 4),
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return [
        next((each["data"] for each in cell["outputs"] if "data" in each), None)
        for cell in notebook["cells"]
    ]


def test_a_result_shows_its_output_as_a_tree_and_its_lines(shown: list[Any]) -> None:
    page = check(shown[1]["text/html"])
    assert page.words.startswith("completed in ")
    assert page.words.count("<script>alert(1)</script>") >= 4
    assert "console (1)" in page.words
    assert "␛[31m" in page.words
    assert "⟨U+202E⟩" in page.words
    assert "text/plain" in shown[1]


def test_a_failure_shows_its_error_and_where(shown: list[Any]) -> None:
    page = check(shown[2]["text/html"])
    assert page.words.startswith("failed (runtime)")
    assert "throw new Error(context.h)" in page.words  # the excerpt
    assert "^" in page.words


def test_a_verdict_shows_its_findings(shown: list[Any]) -> None:
    page = check(shown[3]["text/html"])
    assert page.words.startswith("would be rejected")
    assert "critical" in page.words


def test_statistics_history_and_a_record_show_as_tables(shown: list[Any]) -> None:
    stats, history, record, failures, use = (check(each["text/html"]) for each in shown[5:10])
    assert "Runs of ada" in stats.words
    assert "50.0 %" in stats.words
    assert [tag for tag, _ in history.tags].count("tr") == 3
    assert "<img src=x onerror=alert(2)>" in record.words or "runtime" in record.words
    assert "runtime" in failures.words
    assert "total_executions" in use.words


# --- without a kernel


def test_what_is_endless_is_cut() -> None:
    assert len(text("x" * 1_000_000)) < 11_000
    wide = tree({str(number): ["<b>"] * 500 for number in range(500)})
    assert len(wide) < 300_000
    assert "… 400 more" in wide
    nested: Any = "deep"
    for _ in range(5000):
        nested = [nested]
    check(tree(nested))
    check(text("\ud800 half"))
    many = Shown([AgentStats(agent_id="a")] * 1000)._repr_html_()
    assert "800 more rows" in many


def test_an_empty_list_says_so() -> None:
    assert Page(Shown[Failure]()._repr_html_()).words == "none"
    assert Shown([1, 2]) == [1, 2]


def test_no_styles_come_from_elsewhere(tmp_path: Path) -> None:
    page = check(AgentStats(agent_id='"><style>')._repr_html_())
    assert '"><style>' in page.words

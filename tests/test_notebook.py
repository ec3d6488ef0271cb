"""Results, statistics and history in a notebook: a real kernel shows them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from onehop.answers import AgentStats, Failure
from onehop.runs.decisions import Approval
from onehop.types import (
    Artifact,
    ExecutionResult,
    PendingApproval,
    PlannedCall,
    Replay,
    ResourceUsage,
    SessionInfo,
)
from onehop.types.shown.markup import Shown, text, tree
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


def _result(**more: Any) -> ExecutionResult:
    usage = ResourceUsage(memory=1.0, timeout=False, cpu_time=1.0, tool_time=0.0)
    return ExecutionResult(success=True, code_hash="0" * 16, resource_usage=usage, **more)


def test_a_paused_result_shows_what_waits_and_not_an_output() -> None:
    waiting = PendingApproval(
        run_id="r",
        call_id=f"call {HOSTILE}",
        tool=f"pay {HOSTILE}",
        effect="write",
        arguments={"to": HOSTILE},
        expires_at=1_700_000_000_000,
    )
    paused = _result(status="paused", approvals=[waiting]).model_copy(update={"success": False})
    page = check(paused._repr_html_())
    assert page.words.startswith("paused after ")
    assert "it waits for a person" in page.words
    assert "pay <script>" in page.words
    assert "2023-11-14" in page.words
    assert "output" not in page.words


def test_a_plan_shows_the_calls_and_not_an_output() -> None:
    call = PlannedCall(
        tool=HOSTILE,
        effect="write",
        action="ask",
        certain=True,
        repeats=True,
        arguments={"to": HOSTILE},
        line=3,
        column=7,
    )
    page = check(_result(plan=[call])._repr_html_())
    assert page.words.startswith("planned: nothing was executed")
    assert "3:7" in page.words
    assert "output" not in page.words


def test_files_and_a_cut_output_are_shown() -> None:
    file = Artifact(name=HOSTILE, type=HOSTILE, size=1234, id="f-1")
    result = _result(
        output="x", artifacts=[file], output_truncated=True, persisted_output_id="kept-7"
    )
    page = check(result._repr_html_())
    assert "1234" in page.words
    assert "kept-7" in page.words
    assert "⟨U+202E⟩" in page.words


@pytest.mark.parametrize("same", [True, False])
def test_a_replay_shows_whether_it_was_the_same(same: bool) -> None:
    replay = Replay(
        same=same, difference=None if same else HOSTILE, calls=2, result=_result(output=HOSTILE)
    )
    page = check(replay._repr_html_())
    assert ("did and gave the same" in page.words) is same
    assert ("it differs" in page.words) is not same


def test_sessions_and_approvals_show_as_tables() -> None:
    session = SessionInfo(
        agent_id=HOSTILE,
        session=HOSTILE,
        names=[HOSTILE],
        calls=3,
        live=True,
        running=False,
        created_at=1_700_000_000_000,
        used_at=1_700_000_000_000,
    )
    assert check(session._repr_html_()).words.startswith("Session ")
    assert "live" in check(Shown([session])._repr_html_()).words
    approval = Approval(
        run_id="r",
        call_id="c",
        request_id=HOSTILE,
        agent_id=HOSTILE,
        channel_id="",
        tool=HOSTILE,
        effect="write",
        rule=None,
        arguments=json.dumps({"to": HOSTILE}),
        arguments_hash="",
        requested_at=1_700_000_000_000,
        expires_at=1_700_000_000_000,
    )
    assert "pending" in check(Shown([approval])._repr_html_()).words


@pytest.mark.parametrize("hidden", ["\u200b", "\ufeff", "\xad", "\u2060", "\U000e0041", "\u3164"])
def test_what_has_no_width_is_shown_by_its_number(hidden: str) -> None:
    assert hidden not in text(f"a{hidden}b")
    assert f"⟨U+{ord(hidden):04X}⟩" in text(f"a{hidden}b")


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

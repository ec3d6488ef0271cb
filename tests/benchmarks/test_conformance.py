"""The programs that compare the sandbox with a reference find what differs, on a small corpus.

Without a network: the corpora of npm are for runs on demand.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from benchmarks.conformance import built_ins, libraries, syntax, typescript
from benchmarks.conformance._mappings import source_lines
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._sandboxed import open_sandboxed
from benchmarks.conformance._tally import Program, Tally


def _program(code: str) -> Program:
    return Program(code, code)


@pytest.mark.thorough
async def test_syntax_agrees_about_what_is_a_function_body(tmp_path: Path) -> None:
    texts = ["let a = 1; a", "let a; let a", "await 1; return 2", "export {}", "}{", "while (1);"]
    tally = Tally("few")
    await syntax.compare([_program(text) for text in texts], Options(tmp_path), tally)
    assert (tally.programs, tally.same, tally.faults) == (6, 6, [])


@pytest.mark.thorough
async def test_a_library_is_compared_by_its_value_its_error_and_its_refusal(tmp_path: Path) -> None:
    texts = [
        "(function (root) { root.twice = (n) => n * 2 })(this)\n;return JSON.stringify(twice(4))",
        "return nowhere",
        "eval('1')",
        "return typeof console.log.bind === typeof structuredClone",
    ]
    tally = Tally("few")
    await libraries.compare([_program(text) for text in texts], Options(tmp_path), tally)
    assert (tally.programs, tally.faults) == (4, [])
    assert tally.notes == ["2 end with an error by the reference too"]


async def test_what_differs_is_a_fault_with_both_outcomes(tmp_path: Path) -> None:
    code = "function main() { return 4 }"  # the executor calls it, as agents expect
    tally = Tally("few")
    await libraries.compare([_program(code)], Options(tmp_path), tally)
    [fault] = tally.faults
    assert (fault.kind, fault.expected, fault.got) == ("differ", "value None", "value 4")


@pytest.mark.thorough
async def test_typescript_is_compared_with_its_compiled_text(tmp_path: Path) -> None:
    ts = "interface A { b: number }\nconst a: A = { b: 1 };\nreturn a.b"
    failing = "interface A { b: number }\n\nnull!.b"
    pairs = [
        typescript.Pair("value", ts, "const a = { b: 1 };\nreturn a.b", "AACA;AACA"),
        typescript.Pair("error", failing, "null.b", "AAEA"),
        typescript.Pair("elsewhere", failing, "null.b", "AACA"),
    ]
    tally = Tally("few")
    await typescript.compare(pairs, Options(tmp_path), tally)
    assert (tally.programs, tally.same) == (3, 2)
    assert [fault.program for fault in tally.faults] == ["elsewhere"]


@pytest.mark.thorough
async def test_built_ins_are_compared_by_inventory_and_by_calls(tmp_path: Path) -> None:
    tally = Tally("few")
    async with open_sandboxed(Options(tmp_path), corrections=False) as sandboxed:
        comparison = built_ins.Comparison(sandboxed, tally)
        assert {"Array", "Temporal"} <= set(await comparison.inventory())
        await comparison.calls(["Array"])
    assert tally.programs > 1000
    assert tally.faults == []
    assert any("WebAssembly" in note for note in tally.notes)


def test_a_source_map_tells_the_lines_that_a_line_was_made_of() -> None:
    assert source_lines("AAEA,EAAE;;AADA") == [{3}, set(), {2}]


def test_a_limit_takes_programs_from_the_whole_corpus(tmp_path: Path) -> None:
    assert Options(tmp_path, limit=3).some(range(9)) == [0, 3, 6]
    assert Options(tmp_path).some(range(3)) == range(3)


def test_a_package_is_unpacked_once_and_read_from_the_folder(tmp_path: Path) -> None:
    archive = tmp_path / "a-b-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as opened:
        entry = tarfile.TarInfo("package/main.js")
        entry.size = 2
        opened.addfile(entry, io.BytesIO(b"1;"))
    packages = Packages(
        tmp_path / "cache", pack=lambda _, folder: archive.rename(folder / archive.name)
    )
    for _ in range(2):
        assert (packages.fetch(["@a/b@1.0.0"])["@a/b@1.0.0"] / "main.js").read_text() == "1;"

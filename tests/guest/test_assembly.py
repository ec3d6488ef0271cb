"""From the ES modules of the guest to one script."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pytest

from onehop import guest
from onehop.guest._assembly import Module, join, read_module

pytestmark = pytest.mark.unit

SCRIPTS: dict[str, Sequence[str]] = {
    "bootstrap": (*guest.PARTS, *guest.SECOND_PARTS, *guest.THIRD_PARTS),
    "compiler": guest.COMPILER_PARTS,
    "checker": guest.CHECKER_PARTS,
    "realm": [guest.FOR_REALM.get(name, name) for name in guest.REALM_PARTS],
    "web": guest.WEB_PARTS,
    "realms": guest.REALMS_PARTS,
}


def test_import_and_export_lines_are_dropped() -> None:
    first = Module("a.js", "// Head.\n\nexport const one = 1;\nexport class Two {}\n")
    second = Module(
        "b.js",
        '// Head.\n\nimport {\n  one,\n  Two,\n} from "./a.js";\n\nexport async function f() {}\n',
    )
    assert second.imports == {"a.js": ["one", "Two"]}
    assert join([first, second]) == "const one = 1;\nclass Two {}\nasync function f() {}"


@pytest.mark.parametrize(
    "line",
    [
        'import { one as two } from "./a.js";',
        'import * as all from "./a.js";',
        'import one from "./a.js";',
        'import "./a.js";',
        'import { one } from "node:fs";',
        'import { one } from "https://example.org/a.js";',
        'import { one } from "./a.js" with { type: "json" };',
        "import { one } from './a.js';",
        'const two = 2;\nimport { one } from "./a.js";',
        "export default 1;",
        "export { one };",
        'export * from "./a.js";',
        "export let one = 1;",
        "export var one = 1;",
        "  export const one = 1;",
    ],
)
def test_what_cannot_be_dropped_without_a_change_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"b\.js: cannot put ['\"](import|export)"):
        Module("b.js", f"{line}\n")


def test_lines_of_comments_are_dropped_and_none_of_code() -> None:
    text = "// a\n/** b */\n/*\n * c\n */\n/** @type {any} */ (x).y = 1;\n  z = 2; // d\n"
    assert join([Module("a.js", text)]) == "/** @type {any} */ (x).y = 1;\nz = 2; // d"


def test_a_file_imports_only_from_those_before_it() -> None:
    module = Module("a.js", 'import { two } from "./b.js";\n')
    with pytest.raises(ValueError, match=r"a\.js imports \['b\.js'\]"):
        join([module, Module("b.js", "export const two = 2;\n")])


def declared(text: str) -> list[str]:
    """What a module declares at its top level, which is not indented."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(("/", "*")))
    text = re.sub(r"`(?:\\.|[^`\\])*`", "", "\n".join(lines), flags=re.DOTALL)
    found = re.findall(
        r"^(?:const|class|(?:async )?function\*?) (?:(\w+)|\{([^}]*)\} =)", text, re.MULTILINE
    )
    names = [name for name, _ in found if name]
    for _, several in found:
        names += [part.split(":")[-1].strip() for part in several.split(",") if part.strip()]
    return names


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_are_unique_over_the_files_of_a_script(script: str) -> None:
    names = Counter(name for file in SCRIPTS[script] for name in declared(read_module(file).text))
    assert len(names) > 60
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_name_that_is_imported_is_declared_where_it_is_said_to_be(script: str) -> None:
    for file in SCRIPTS[script]:
        for source, names in read_module(file).imports.items():
            assert set(names) <= set(declared(read_module(source).text)), (file, source)

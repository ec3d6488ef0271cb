"""Rules about reaching what is outside of the sandbox: modules, processes, runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from onehop.validation._facts import Facts
from onehop.validation._hits import Hit, at

if TYPE_CHECKING:
    from tree_sitter import Node

_INSTEAD = "use the built-in globals and the data in `context`"
_NO_MODULES = f"does not work in the sandbox: there are no modules to load; {_INSTEAD}"
_EXPORT = "export does not work: the code is the body of an async function; return the value"
_CLAUSES = frozenset({"import_clause", "import_require_clause"})
_TYPES = frozenset({"interface_declaration", "type_alias_declaration", "ambient_declaration"})
_ABSENT = {
    "Buffer": "bytes are Uint8Array here, text becomes bytes with TextEncoder",
    "fetch": "there is no network; what the code needs belongs in `context`",
    "XMLHttpRequest": "there is no network; what the code needs belongs in `context`",
    "WebSocket": "there is no network; what the code needs belongs in `context`",
    "EventSource": "there is no network; what the code needs belongs in `context`",
    "Worker": "there are no workers; do the work in one piece, or in several runs",
    "SharedWorker": "there are no workers; do the work in one piece, or in several runs",
    "localStorage": "nothing is kept between runs; return what you need",
    "sessionStorage": "nothing is kept between runs; return what you need",
    "indexedDB": "nothing is kept between runs; return what you need",
    "caches": "nothing is kept between runs; return what you need",
    "document": "there is no page; build the text and return it",
    "window": "the global object is globalThis",
    "global": "the global object is globalThis",
    "alert": "nobody is there to answer; use console.log or return a value",
    "confirm": "nobody is there to answer; use console.log or return a value",
    "prompt": "nobody is there to answer; put the answer into `context`",
    "module": "there are no modules; return the value",
    "exports": "there are no modules; return the value",
    "__dirname": "there are no files",
    "__filename": "there are no files",
    "ShadowRealm": "code runs in one realm",
}


def _absent(name: str, words: str) -> Callable[[Facts], Iterator[Hit]]:
    """A rule about one global that does not exist."""

    def check(facts: Facts) -> Iterator[Hit]:
        for _, node in facts.uses(name):
            certain = facts.certainty.lacks(name, node)
            yield at(node, f"{name} does not exist in the sandbox: {words}", certain=certain)

    check.__doc__ = f"``{name}``, under any name."
    return check


require = _absent("require", f"there are no modules to load; {_INSTEAD}")
import_scripts = _absent("importScripts", f"there are no scripts to load; {_INSTEAD}")
process = _absent(
    "process",
    "code sees no process, and no environment, arguments or exit; put values into "
    "`context`, use `return` to end, and console.log to print",
)
child_process = _absent("child_process", "no program can be started; write it in JavaScript")
deno = _absent("Deno", f"there are no files, no network and no processes; {_INSTEAD}")
bun = _absent("Bun", f"there are no files, no network and no processes; {_INSTEAD}")


def import_(facts: Facts) -> Iterator[Hit]:
    """``import`` in all forms but those that are types only."""
    for leaf in facts.words.leaves("import"):
        parent = facts.scopes.parent(leaf)
        if leaf.type != "import" or parent is None:
            continue
        if parent.type == "meta_property":
            message = "import.meta does not exist here: the code is not a module"
            yield at(leaf, message, certain=facts.flow.is_readable)
        elif not _is_erased(facts, parent):
            yield at(leaf, f"import {_NO_MODULES}", certain=_ends_the_run(facts, parent))
    for statement in _exports(facts):
        if statement.child_by_field_name("source") and _exports_value(statement):
            message = f"export … from {_NO_MODULES}"
            yield at(statement, message, certain=facts.flow.is_readable)


def export(facts: Facts) -> Iterator[Hit]:
    """``export`` of a value."""
    for statement in _exports(facts):
        if facts.language == "javascript" or _exports_value(statement):
            yield at(statement, _EXPORT)


def missing_global(facts: Facts) -> Iterator[Hit]:
    """Globals of browsers and Node.js that the sandbox does not have."""
    for name, words in _ABSENT.items():
        for leaf in facts.words.leaves(name):
            if facts.scopes.is_free(leaf) and not facts.is_typeof(leaf):
                yield at(leaf, f"{name} does not exist in the sandbox: {words}")


def computed_global(facts: Facts) -> Iterator[Hit]:
    """Properties of the global object whose names only a run tells."""
    for node, key in facts.computed_reads():
        if key is None:
            yield at(node, "a global is read under a name that is only known when the code runs")


def _exports(facts: Facts) -> Iterator[Node]:
    """Exports at the top level; those of a namespace work."""
    for leaf in facts.words.leaves("export"):
        parent = facts.scopes.parent(leaf)
        if leaf.type != "export" or parent is None or parent.type != "export_statement":
            continue
        outer = facts.scopes.parent(parent)
        if outer is None or outer.type in ("program", "ERROR"):
            yield parent


def _ends_the_run(facts: Facts, parent: Node) -> bool:
    """An ``import()`` rejects; all other forms are errors before anything runs."""
    call = facts.scopes.parent(parent) if parent.type == "import" else parent
    if call is not None and call.type == "call_expression":
        return facts.flow.rejection_ends_the_run(call)
    return facts.flow.is_readable


def _is_erased(facts: Facts, parent: Node) -> bool:
    """Whether what an ``import`` stands in is a type of TypeScript, or names nothing but types."""
    if facts.language != "typescript":
        return False
    if parent.type == "import_alias":
        return True
    if parent.type == "import_statement":
        is_type = _imports_types(parent) or _is_ambient(facts, parent)
        return is_type or _is_unused(facts, parent)
    return parent.type != "ERROR" and _is_type(facts, parent)


def _imports_types(statement: Node) -> bool:
    if _has_token(statement, "type"):
        return True
    clause = next((c for c in statement.named_children if c.type == "import_clause"), None)
    names = clause.named_children if clause else []
    if len(names) != 1 or names[0].type != "named_imports":
        return False
    return _all_types(names[0], "import_specifier")


def _is_unused(facts: Facts, statement: Node) -> bool:
    """Whether no value that is imported is used: the compiler drops such a statement."""
    names = list(_imported(statement))
    return bool(names) and not any(_is_used(facts, name) for name in names)


def _imported(statement: Node) -> Iterator[Node]:
    """The names that an ``import`` declares."""
    pending = [child for child in statement.named_children if child.type in _CLAUSES]
    while pending:
        node = pending.pop()
        if node.type == "identifier":
            yield node
        elif node.type == "import_specifier":
            name = node.child_by_field_name("alias") or node.child_by_field_name("name")
            pending += [name] if name is not None else []
        else:
            pending += node.named_children


def _is_used(facts: Facts, name: Node) -> bool:
    binding = facts.scopes.binding(name)
    if binding is None:
        return True
    return any(not facts.scopes.in_type(each) for each in facts.scopes.references(binding))


def _all_types(clause: Node, kind: str) -> bool:
    specifiers = [child for child in clause.named_children if child.type == kind]
    return bool(specifiers) and all(_has_token(each, "type") for each in specifiers)


def _is_ambient(facts: Facts, node: Node) -> bool:
    outer: Node | None = node
    while outer is not None and outer.type != "ambient_declaration":
        outer = facts.scopes.parent(outer)
    return outer is not None


def _is_type(facts: Facts, node: Node) -> bool:
    """``import("x").Name`` as a type; the grammar takes it for an expression."""
    outer: Node | None = node
    while outer is not None and outer.type in _EXPRESSIONS:
        outer = facts.scopes.parent(outer)
    return outer is not None and (outer.type in _TYPE_PLACES or outer.type.endswith("_type"))


_EXPRESSIONS = frozenset({"import", "call_expression", "member_expression", "type_query"})
_TYPE_PLACES = frozenset({"type_annotation", "type_arguments", "type_alias_declaration"})


def _exports_value(statement: Node) -> bool:
    """Whether something of an export of TypeScript would remain in JavaScript."""
    declaration = statement.child_by_field_name("declaration")
    if declaration is not None:
        kind = declaration.type
        return kind not in _TYPES and kind not in ("abstract_class_declaration", "import_alias")
    if _has_token(statement, "type") or _has_token(statement, "namespace"):
        return False
    if any(child.is_error for child in statement.children):  # `export type *`
        return False
    clause = next((c for c in statement.named_children if c.type == "export_clause"), None)
    is_empty = clause is not None and clause.named_child_count == 0
    return not (is_empty or (clause and _all_types(clause, "export_specifier")))


def _has_token(node: Node, kind: str) -> bool:
    return any(child.type == kind and not child.is_named for child in node.children)

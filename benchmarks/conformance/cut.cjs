// TypeScript files to programs without a module loader, and each as JavaScript by the compiler.
//
//     node cut.cjs FOLDER_OF_TYPESCRIPT < [{"name", "file"}] > [{"name", "ts", "js", "map"}]
//
// Imported values become stand-ins that can be called, constructed, extended and read without end;
// exports lose the keyword; at the end the program returns what its top level has made. All that
// happens within the lines that are there, so that each keeps its number.
const { readFileSync } = require("node:fs");
const ts = require(process.argv[2]);

const OPTIONS = {
  target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, sourceMap: true, alwaysStrict: false,
};
const STAND_IN = `(() => { const own = { name: "stand-in", length: 0 }; const make = () => new Proxy(function () {}, {
 get: (target, key) => key === "prototype" ? target.prototype : key in own ? own[key] : key === "then" ? undefined
  : key === Symbol.toPrimitive ? () => 1 : key === Symbol.iterator ? [][Symbol.iterator].bind([]) : make(),
 apply: () => make(), has: () => true }); return make() })()`.replaceAll("\n", "");
// Source texts of functions differ between compilers by their blanks, so that they are left out.
const DESCRIBE = `((values) => { const look = (value, depth) => {
 if (typeof value === "function") return ["function", String(value.name), value.length, ...keys(value.prototype), ...keys(value)];
 if (typeof value === "bigint" || typeof value === "symbol" || typeof value === "undefined") return String(value);
 if (Object(value) !== value || depth === 0) return Object(value) === value ? "object" : value;
 return Object.keys(value).slice(0, 50).map((key) => [key, look(value[key], depth - 1)]) };
 const keys = (value) => Object(value) === value ? Object.getOwnPropertyNames(value).filter((key) => !["prototype", "length", "name"].includes(key)) : [];
 return values.map((get) => { try { return look(get(), 2) } catch (error) { return String(error) } }) })`.replaceAll("\n", "");

function program(name, text) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true);
  if (file.parseDiagnostics.length > 0) return null;
  const made = new Set();
  const edits = [];
  for (const statement of file.statements) edit(statement, file, edits, made);
  edits.sort((one, other) => other.start - one.start);
  let result = text;
  for (const { start, end, by } of edits) {
    const lines = text.slice(start, end).split("\n").length - by.split("\n").length;
    result = result.slice(0, start) + by + "\n".repeat(Math.max(0, lines)) + result.slice(end);
  }
  const values = [...made].map((value) => `() => ${value}`);
  return `${result}\n;return ${DESCRIBE}([${values}]);`;
}

function edit(statement, file, edits, made) {
  const whole = (by) => edits.push({ start: statement.getStart(file), end: statement.end, by });
  if (ts.isImportDeclaration(statement)) return whole(standIns(statement.importClause, made));
  if (ts.isExportDeclaration(statement)) return whole(";");
  if (ts.isImportEqualsDeclaration(statement)) return whole(`const ${statement.name.text}: any = ${STAND_IN};`);
  if (ts.isExportAssignment(statement)) return exportedValue(statement, file, edits);
  for (const modifier of statement.modifiers ?? []) {
    const cut = [ts.SyntaxKind.ExportKeyword, ts.SyntaxKind.DefaultKeyword].includes(modifier.kind);
    if (cut) edits.push({ start: modifier.getStart(file), end: modifier.end, by: "" });
  }
  note(statement, made);
}

function standIns(clause, made) {
  if (clause === undefined || clause.isTypeOnly) return ";";
  const bound = clause.namedBindings;
  const names = bound === undefined ? [] : ts.isNamespaceImport(bound)
    ? [bound.name.text]
    : bound.elements.filter((element) => !element.isTypeOnly).map((element) => element.name.text);
  if (clause.name) names.push(clause.name.text);
  return names.map((name) => `var ${name}: any = ${STAND_IN};`).join("") || ";";
}

function exportedValue(statement, file, edits) {
  edits.push({ start: statement.getStart(file), end: statement.expression.getStart(file), by: "(" });
  edits.push({ start: statement.expression.end, end: statement.expression.end, by: ")" });
}

/** The values that a statement of the top level makes. */
function note(statement, made) {
  if (statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword)) return;
  if (ts.isVariableStatement(statement)) {
    for (const { name } of statement.declarationList.declarations) {
      if (ts.isIdentifier(name)) made.add(name.text);
    }
  }
  const named = ts.isFunctionDeclaration(statement) ? statement.body
    : ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement) && !isConst(statement);
  if (named && statement.name) made.add(statement.name.text);
}

/** An enum that only its members' values are left of. */
function isConst(statement) {
  return statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ConstKeyword);
}

const made = [];
for (const { name, file } of JSON.parse(readFileSync(0, "utf8"))) {
  const text = program(name, readFileSync(file, "utf8"));
  if (text === null) continue;
  const { outputText, sourceMapText } = ts.transpileModule(text, { compilerOptions: OPTIONS, fileName: name });
  const js = outputText.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n").replace(/^export \{\};\s*$/m, "");
  made.push({ name, ts: text, js, map: JSON.parse(sourceMapText).mappings });
}
process.stdout.write(JSON.stringify(made));

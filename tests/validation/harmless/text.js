//// words
const text = "It was the best of times, it was the worst of times";
const counts = {};
for (const word of text.toLowerCase().match(/\w+/g)) counts[word] = (counts[word] || 0) + 1;
return Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 3);
//// slug
const slug = (s) => s.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
return ["Crème brûlée!", "  Hello,   World "].map(slug);
//// csv
const parse = (csv) => { const [head, ...rows] = csv.trim().split(/\r?\n/).map((l) => l.split(",")); return rows.map((r) => Object.fromEntries(head.map((h, i) => [h, r[i]]))); };
return parse("id,name\n1,ann\n2,bob");
//// csv with quotes
const csv = 'a,"b ""x"", c",d\n1,2,3', rows = [[""]];
let quoted = false;
for (let i = 0; i < csv.length; i++) { const c = csv[i], row = rows.at(-1); if (c === '"') { if (quoted && csv[i + 1] === '"') { row[row.length - 1] += '"'; i++; } else quoted = !quoted; } else if (c === "," && !quoted) row.push(""); else if (c === "\n" && !quoted) rows.push([""]); else row[row.length - 1] += c; }
return rows;
//// to csv
const quote = (v) => (/[",\n]/.test(v) ? `"${String(v).replaceAll('"', '""')}"` : String(v));
return [["a", 'say "x"'], [1, "p,q"]].map((r) => r.map(quote).join(",")).join("\n");
//// markdown table
const data = [{ a: 1, b: "x" }, { a: 22, b: "yy" }], keys = Object.keys(data[0]);
return [keys, keys.map(() => "---"), ...data.map((d) => keys.map((k) => d[k]))].map((r) => `| ${r.join(" | ")} |`).join("\n");
//// html as text
const esc = (s) => s.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]);
const items = ["<script>", "a & b"];
return `<ul>${items.map((i) => `<li>${esc(i)}</li>`).join("")}</ul>`;
//// links in html
const html = '<a href="/x">X</a> <a class=y href="https://e.org/?a=1&b=2">Y</a>';
return [...html.matchAll(/<a\b[^>]*href="([^"]+)"[^>]*>(.*?)<\/a>/g)].map(([, href, label]) => ({ href, label }));
//// dates in text
const found = [..."from 2024-01-31 to 2024-02-29".matchAll(/(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)/g)];
return found.map(({ groups: { y, m, d } }) => new Date(Date.UTC(+y, m - 1, +d)).toISOString());
//// log lines
const log = "10:00 [ERROR] disk full\n10:01 [INFO] ok\n10:02 [ERROR] disk full";
return log.split("\n").map((l) => /^(\S+) \[(\w+)\] (.*)$/.exec(l)).filter((m) => m?.[2] === "ERROR").map(([, at, , what]) => ({ at, what }));
//// a query string
const q = new URLSearchParams("a=1&b=2&b=3");
return [q.get("a"), q.getAll("b"), String(new URL("/p?x=1#h", "https://e.org"))];
//// a template
const fill = (t, v) => t.replace(/\{\{(\w+)\}\}/g, (_, k) => v[k] ?? "");
return fill("Dear {{name}}, you owe {{sum}}.", { name: "Ann", sum: 5 });
//// tagged template
const tag = (parts, ...values) => parts.raw.map((p, i) => p + (values[i] ?? "")).join("|");
return tag`a${1}b\n${2}c`;
//// case
const camel = (s) => s.replace(/[-_](\w)/g, (_, c) => c.toUpperCase()), snake = (s) => s.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase());
return [camel("foo_bar-baz"), snake("fooBarBaz")];
//// caesar
const rot = (s, n) => s.replace(/[a-z]/gi, (c) => String.fromCharCode(((c.charCodeAt(0) & 31) - 1 + n) % 26 + (c.charCodeAt(0) & 96) + 1));
return rot(rot("Hello", 13), 13);
//// base64
const bytes = new TextEncoder().encode("héllo"), b64 = btoa(String.fromCharCode(...bytes));
return [b64, new TextDecoder().decode(Uint8Array.from(atob(b64), (c) => c.charCodeAt(0)))];
//// decoding a fixed text
return [atob("aGVsbG8="), String.fromCharCode(72, 105), ["a", "b"].join("")];
//// sha-256
const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x"));
return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join("");
//// colours of a terminal
const red = (s) => `\x1b[31m${s}\x1b[0m`, bold = (s) => "\u001b[1m" + s + "\u001b[22m";
return [red("x"), bold("y")].join("");
//// control characters in a class
return "a\u0000b\tc".replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
//// chinese with escapes
return ["\u4f60\u597d\u4e16\u754c\uff0c\u4f60\u597d\u4e16\u754c", "\u00e9\u00e8\u00ea\u00eb\u00e0\u00e2\u00f9\u00fb"].join("");
//// emoji and graphemes
const seg = new Intl.Segmenter("en", { granularity: "grapheme" });
return [...seg.segment("👩‍👩‍👧 é 😀")].map((s) => s.segment);
//// sorting with a collator
return ["ä", "z", "a", "10", "9"].sort(new Intl.Collator("de", { numeric: true }).compare);
//// wrap lines
const wrap = (s, w) => s.split(" ").reduce((ls, word) => { const last = ls.at(-1); return (last + " " + word).trim().length <= w ? [...ls.slice(0, -1), (last + " " + word).trim()] : [...ls, word]; }, [""]);
return wrap("the quick brown fox jumps", 10);
//// a tokenizer
const tokens = []; const re = /\s*(?:(\d+\.?\d*)|([-+*/()]))/y; const src = "3 + 4 * (2 - 1)";
let m; while ((m = re.exec(src))) tokens.push(m[1] ? +m[1] : m[2]);
return tokens;
//// a calculator without eval
const evaluate = (s) => { let i = 0; const peek = () => s[i]; const num = () => { let n = ""; while (/[\d.]/.test(peek() ?? "")) n += s[i++]; return +n; }; const factor = () => { if (peek() === "(") { i++; const v = sum(); i++; return v; } return num(); }; const product = () => { let v = factor(); while ("*/".includes(peek() ?? "x")) v = s[i++] === "*" ? v * factor() : v / factor(); return v; }; const sum = () => { let v = product(); while ("+-".includes(peek() ?? "x")) v = s[i++] === "+" ? v + product() : v - product(); return v; }; return sum(); };
return evaluate("3+4*(2-1)");
//// a json path
const get = (o, path) => path.split(/[.[\]]+/).filter(Boolean).reduce((v, k) => v?.[k], o);
return get({ a: [{ b: 5 }] }, "a[0].b");
//// json lines
return '{"a":1}\n{"a":2}\nbad'.split("\n").flatMap((l) => { try { return [JSON.parse(l)]; } catch { return []; } });
//// json with a reviver
return JSON.parse('{"at":"2024-01-01T00:00:00Z","process":{"eval":1}}', (k, v) => (k === "at" ? new Date(v) : v)).process.eval;
//// json that mentions __proto__
const parsed = JSON.parse('{"__proto__": {"admin": true}, "constructor": {"x": 1}}');
return Object.keys(parsed);
//// diff of lines
const a = "1\n2\n3".split("\n"), b = "1\n3\n4".split("\n");
return [...a.filter((l) => !b.includes(l)).map((l) => "-" + l), ...b.filter((l) => !a.includes(l)).map((l) => "+" + l)];
//// roman numerals
const roman = (n) => [[1000, "M"], [900, "CM"], [500, "D"], [400, "CD"], [100, "C"], [90, "XC"], [50, "L"], [40, "XL"], [10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"]].reduce((s, [v, r]) => { while (n >= v) { s += r; n -= v; } return s; }, "");
return roman(1994);
//// pluralize
const rules = new Intl.PluralRules("en", { type: "ordinal" }), ends = { one: "st", two: "nd", few: "rd", other: "th" };
return [1, 2, 3, 11, 22].map((n) => n + ends[rules.select(n)]);
//// mustache of an email
const mail = ({ to, subject, lines }) => `To: ${to}\r\nSubject: ${subject}\r\n\r\n${lines.map((l) => "> " + l).join("\r\n")}`;
return mail({ to: "a@b.c", subject: "process this import", lines: ["x"] });
//// sql as text
const where = Object.entries({ age: 5, name: "x" }).map(([k], i) => `${k} = $${i + 1}`).join(" AND ");
return "SELECT * FROM process WHERE " + where;
//// a shell command as text
return ["node", "-e", JSON.stringify("process.exit(require('x'))")].join(" ");
//// regular expressions with flags
return [/(?<=\$)\d+/.exec("$42")?.[0], "aBc".replace(/b/i, "-"), /^\p{Lu}/u.test("É"), /[\p{L}--[a-z]]/v.test("é")];

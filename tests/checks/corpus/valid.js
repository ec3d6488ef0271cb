// JavaScript as agents write it; all of it runs to its end. A line of dashes stands between programs.
const people = await tools.crm.find_people({ query: "a" });
return people.map((p) => p.name);
// ---
const { crm, mail } = tools;
const [first, ...rest] = await crm.find_people({});
return { first: first.name, rest: rest.length };
// ---
const people = await tools.crm.find_people();
return people.reduce((by, p) => ({ ...by, [p.kind]: [...(by[p.kind] ?? []), p.name] }), {});
// ---
const ids = [1, 2, 3];
const people = await Promise.all(ids.map((id) => tools.crm.get_person({ id })));
return people.filter((p) => p.email?.includes("@")).map(({ name, email }) => `${name} <${email}>`);
// ---
try {
  await tools.crm.get_person({ id: 99 });
} catch (error) {
  return error.message.includes("99");
}
// ---
const results = await Promise.allSettled([1, 99].map((id) => tools.crm.get_person({ id })));
return results.map((r) => (r.status === "fulfilled" ? r.value.name : r.reason.code));
// ---
let cursor = null;
const all = [];
do {
  const page = await tools.crm.list_deals({ cursor });
  all.push(...page.items);
  cursor = page.next_cursor;
} while (cursor);
return all.length;
// ---
let cursor;
const seen = new Set();
for (let i = 0; i < 10; i++) {
  const { items, next_cursor: next } = await tools.crm.list_deals(cursor ? { cursor } : {});
  for (const { id } of items) seen.add(id);
  if (!next) break;
  cursor = next;
}
return [...seen].sort();
// ---
const text = await tools.files.read_file({ path: "a.json" });
const data = JSON.parse(text);
return data.rows.map((row) => row.n).reduce((a, b) => a + b, 0);
// ---
const csv = await tools.files.read_file({ path: "b.csv" });
const [head, ...lines] = csv.trim().split("\n").map((line) => line.split(","));
return lines.map((cells) => Object.fromEntries(head.map((name, i) => [name, Number(cells[i])])));
// ---
const names = await tools.files.list_files({ folder: "/", deep: true });
const texts = await Promise.all(names.map(async (path) => [path, await tools.files.read_file({ path })]));
return Object.fromEntries(texts.map(([path, text]) => [path, text.length]));
// ---
const answer = await tools.web.lookup({ key: { any: ["thing", 1] } });
return answer.list[3].three + answer.key.any.length;
// ---
const answer = await tools.web.lookup({ key: 5 });
const first = answer?.list?.find((x) => typeof x === "string")?.toUpperCase() ?? "none";
return first;
// ---
const { rows = [], ok } = JSON.parse(await tools.web.fetch_text({ path: "/x" }));
return ok ? rows.map(({ id, v: value }) => ({ id, value })) : null;
// ---
const tool = "find_people";
const found = await tools.crm[tool]({ query: "Bob" });
return found[0].manager;
// ---
for (const name of ["find_people", "list_deals"]) {
  const answer = await tools["crm"][name]({});
  console.log(name, Array.isArray(answer) ? answer.length : answer.total);
}
return true;
// ---
const call = (namespace, name, args) => tools[namespace][name](args);
return (await call("crm", "get_person", { id: 1 })).name;
// ---
const safe = async (promise, fallback = null) => {
  try {
    return await promise;
  } catch {
    return fallback;
  }
};
return [await safe(tools.crm.get_person({ id: 99 })), (await safe(tools.crm.get_person({ id: 1 })))?.id];
// ---
async function retry(action, times = 3) {
  for (let n = 1; ; n++) {
    try {
      return await action(n);
    } catch (error) {
      if (n >= times) throw error;
    }
  }
}
return await retry((n) => tools.crm.get_person({ id: n === 1 ? 99 : n }));
// ---
const base = { limit: 2, kind: "staff" };
const people = await tools.crm.find_people({ ...base, query: "a" });
return people.length;
// ---
const args = { to: ["a@example.com"] };
args.subject = "Hello";
if (args.to.length) args.body = "Text";
return await tools.mail.send(args);
// ---
const recipients = new Map([["a@example.com", "A"], ["b@example.com", "B"]]);
return await tools.mail.send({ to: [...recipients.keys()], subject: `To ${recipients.size}` });
// ---
const people = await tools.crm.find_people({});
const to = people.flatMap((p) => p.email ?? []);
if (to.length === 0) return "nobody";
return tools.mail.send({ to, subject: "News", cc: to.slice(1) });
// ---
const { mails } = await tools.mail.search({ text: "invoice", unread: true, limit: null });
return mails.map((m) => `${m.from.name}: ${m.subject}`).join("\n");
// ---
const { mails: [{ id } = { id: 0 }] } = await tools.mail.search({ text: "x" });
const thread = await tools.mail.thread({ id });
return thread.some((mail) => mail.attachments?.length > 0);
// ---
const rates = await tools.money.rates();
return Object.entries(rates).sort(([, a], [, b]) => b - a)[0][0];
// ---
const rates = await tools.money.rates({});
const key = "USD";
return (rates[key] ?? 1) * 2 + (rates.GBP ?? 0);
// ---
const amounts = (await tools.crm.list_deals({ page_size: 50 })).items.map((d) => d.amount);
return { total: await tools.money.total({ numbers: amounts }), max: Math.max(...amounts) };
// ---
const { items } = await tools.crm.list_deals({ page_size: 9, owner: 1 });
const groups = Object.groupBy(items, ({ stage }) => stage);
return Object.fromEntries(Object.entries(groups).map(([stage, deals]) => [stage, deals.length]));
// ---
const days = await tools.weather.forecast({ city: "Bern", days: 3 });
const highs = days.map(({ high }) => high);
return (highs.reduce((a, b) => a + b) / highs.length).toFixed(1);
// ---
const labels = await tools.labels({ prefix: "x" });
return labels?.length ?? 0;
// ---
const labels = (await tools.labels()) || [];
return labels.map((l) => l[0]).join("");
// ---
const labels = await tools.labels({ prefix: "" });
if (labels === null) return [];
return labels.toSorted();
// ---
const day = new Date(Date.UTC(2026, 0, 2)).toISOString().slice(0, 10);
const [event] = await tools.calendar.events({ day, who: [1, 2] });
return event ? new Date(event.at).getUTCHours() : -1;
// ---
const where = { street: "High St" };
return await tools.calendar.book({ title: "T", at: "2026-01-01T00:00:00Z", where, minutes: 15 });
// ---
const booked = [];
for (const person of await tools.crm.find_people({ limit: 2 })) {
  booked.push(await tools.calendar.book({ title: `With ${person.name}`, at: "2026-01-01T10:00:00Z" }));
}
return booked.every(Boolean);
// ---
const p = tools.crm.get_person({ id: 1 });
const q = tools.crm.list_deals({ owner: 1 });
const [person, page] = await Promise.all([p, q]);
return { ...person, deals: page.total };
// ---
return tools.crm.get_person({ id: 2 })
  .then((p) => tools.crm.get_person({ id: p.manager }))
  .then(({ name }) => name)
  .catch((error) => `no: ${error.message}`)
  .finally(() => console.log("done"));
// ---
const timer = new Promise((resolve) => setTimeout(resolve, 5, "late"));
return await Promise.race([tools.crm.get_person({ id: 1 }).then((p) => p.name), timer]) !== undefined;
// ---
class Cache {
  #held = new Map();
  async person(id) {
    if (!this.#held.has(id)) this.#held.set(id, await tools.crm.get_person({ id }));
    return this.#held.get(id);
  }
}
const cache = new Cache();
return [(await cache.person(1)).name, (await cache.person(1)).name];
// ---
async function* pages() {
  let cursor = null;
  do {
    const page = await tools.crm.list_deals({ cursor, page_size: 1 });
    yield page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
const ids = [];
for await (const items of pages()) ids.push(...items.map((d) => d.id));
return ids;
// ---
const queue = [1, 2, 3];
const out = [];
const worker = async () => {
  while (queue.length) {
    const id = queue.shift();
    out.push((await tools.crm.get_person({ id })).name);
  }
};
await Promise.all([worker(), worker()]);
return out.sort();
// ---
const changes = {};
for (const [key, value] of Object.entries({ name: "Z", kind: "bot", skip: undefined })) {
  if (value !== undefined) changes[key] = value;
}
return (await tools.crm.update_person({ id: 1, changes })).name;
// ---
const person = await tools.crm.get_person({ id: 1 });
person.note = "added";
delete person.email;
return Object.keys(person).length;
// ---
const { id, ...others } = await tools.crm.get_person({ id: 1 });
return tools.crm.update_person({ id, changes: { ...others, tags: [...others.tags, "new"] } });
// ---
const amount = parseFloat("12.50");
const deal = await tools.crm.create_deal({ owner: 1, amount, stage: amount > 10 ? "won" : "open" });
return deal.stage;
// ---
const input = context?.order ?? { owner: 1, amount: 3 };
return (await tools.crm.create_deal(input)).amount;
// ---
const stages = ["open", "won"];
const made = await Promise.all(stages.map((stage, i) => tools.crm.create_deal({ owner: 1, amount: i, stage })));
return made.map((d) => d.stage);
// ---
const value = await tools.money.convert({ amount: Number("3"), source: "EUR", target: ["USD"][0] });
return typeof value === "number" ? Math.round(value) : value;
// ---
const names = Object.keys(tools.crm);
return names.includes("find_people") && typeof tools.crm.nothing === "undefined";
// ---
if ("archive" in tools.crm) await tools.crm.archive({ id: 1 });
return "kept";
// ---
const found = await tools?.crm?.find_people?.({ query: "Ada" });
return found.at(-1).tags.includes("vip");
// ---
const s = await tools.web.lookup({ key: null });
return s.nothing?.deep?.deeper === undefined && s.nothing === null;
// ---
const table = {};
(await tools.crm.find_people({})).forEach((p, index) => (table[p.id] = { ...p, index }));
return table[2].name + table[3]["kind"];
// ---
const [a, b] = await Promise.all([tools.labels(), tools.files.list_files({})]);
return a.concat(b).length;
// ---
let total = 0;
for await (const deal of (await tools.crm.list_deals({ page_size: 5 })).items) total += deal.amount;
return total;
// ---
const log = (label) => (value) => (console.log(label, value), value);
return await tools.money.total({ numbers: [1, 2.5, -3] }).then(log("total"));
// ---
const lines = (await tools.files.read_file({ path: "c.txt", encoding: "utf8" })).split(/\s+/u);
const count = {};
for (const word of lines) count[word] = (count[word] || 0) + 1;
return await tools.files.write_file({ path: "out.json", text: JSON.stringify(count), mode: "append" });
// ---
const mail = (await tools.mail.search({ text: "a" })).mails[0];
switch (typeof mail.subject) {
  case "string": return mail.subject.length;
  default: return 0;
}
// ---
const by = (key) => (x, y) => (x[key] > y[key] ? 1 : -1);
return (await tools.crm.find_people({ limit: 3 })).sort(by("name")).map((p) => p[["id"][0]]);
// ---
const helper = { tools, async run(id) { return (await this.tools.crm.get_person({ id })).name; } };
return await helper.run(1);
// ---
const apply = async (fn, ...args) => fn(...args);
return (await apply(tools.crm.get_person, { id: 3 })).kind;
// ---
const list = await tools.crm.find_people({ kind: null, limit: 1 + 1 });
return list.length === 2 && new Set(list.map((x) => x.kind)).size;

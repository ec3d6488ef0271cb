// Programs that fail in each run. Before each: the line of the call, and words of the refusal.
// --- 1: did you mean tools.crm.find_people?
const people = await tools.crm.find_peple({ query: "a" });
return people.length;
// --- 2: did you mean tools.crm.get_person?
const id = 1;
const person = await tools.crm.get_persn({ id });
return person.name;
// --- 1: there is no tool tools.crmm.find_people
const people = await tools.crmm.find_people({});
return people;
// --- 3: did you mean limit?
const people = await tools.crm.find_people({
  query: "a",
  limt: 5,
});
return people;
// --- 2: id is missing
const list = await tools.crm.find_people({});
return await tools.crm.get_person({});
// --- 2: id is missing
const list = await tools.crm.find_people({});
return await tools.crm.get_person();
// --- 1: id
return await tools.crm.get_person({ id: "one" });
// --- 2: one of "open", "won"
const amount = 3;
return await tools.crm.create_deal({ owner: 1, amount, stage: "closed" });
// --- 2: kind
const query = "a";
return await tools.crm.find_people({ query, kind: "human" });
// --- 2: to
const subject = "s";
await tools.mail.send({ to: "a@example.com", subject });
// --- 1: subject is missing
await tools.mail.send({ to: ["a@example.com"] });
// --- 2: did you mean subject?
const to = ["a@example.com"];
await tools.mail.send({ to, subjekt: "Hello", body: "b" });
// --- 1: to.0
await tools.mail.send({ to: [5], subject: "Hello" });
// --- 2: did you mean tools.mail.send?
const to = ["a@example.com"];
await tools.mail.sendd({ to, subject: "Hello" });
// --- 3: there is no tool tools.mail.delete_all
const found = await tools.mail.search({ text: "a" });
console.log(found.mails.length);
await tools.mail.delete_all({ ids: [1] });
// --- 2: did you mean tools.files.read_file?
const names = await tools.files.list_files({});
const text = await tools.files.read_fil({ path: names[0] });
return text;
// --- 1: did you mean path?
const text = await tools.files.read_file({ pth: "a.json" });
return JSON.parse(text);
// --- 1: one of "utf8", "base64"
const text = await tools.files.read_file({ path: "a.json", encoding: "utf-8" });
return text;
// --- 3: text is missing
const path = "a.txt";
const data = "x";
return await tools.files.write_file({ path, mode: "append" });
// --- 2: one argument, an object
const path = "a.json";
return await tools.files.read_file(path);
// --- 1: one argument, an object
return await tools.crm.get_person(1);
// --- 1: this call has 2
return await tools.files.write_file({ path: "a", text: "b" }, { mode: "append" });
// --- 1: numbers
return await tools.money.total({ numbers: 5 });
// --- 1: numbers.1
return await tools.money.total({ numbers: [1, "2"] });
// --- 2: target is missing
const source = "EUR";
return await tools.money.convert({ amount: 1, source });
// --- 1: amount
return await tools.money.convert({ amount: "1", source: "EUR", target: "USD" });
// --- 1: did you mean tools.money.convert?
return await tools.money.convrt({ amount: 1, source: "EUR", target: "USD" });
// --- 1: city is missing
const days = await tools.weather.forecast({ days: 3 });
return days;
// --- 1: did you mean city?
return await tools.weather.forecast({ citty: "Bern" });
// --- 1: one of "c", "f"
return await tools.weather.forecast({ city: "Bern", units: "celsius" });
// --- 1: days
return await tools.weather.forecast({ city: "Bern", days: 1.5 });
// --- 1: tools.weather is a namespace
return await tools.weather({ city: "Bern" });
// --- 1: day is missing
return await tools.calendar.events({ who: [1] });
// --- 1: who.0
return await tools.calendar.events({ day: "2026-01-01", who: ["Ada"] });
// --- 2: where.street is missing
const at = "2026-01-01T00:00:00Z";
return await tools.calendar.book({ title: "T", at, where: { zip: "1" } });
// --- 1: did you mean minutes?
return await tools.calendar.book({ title: "T", at: "x", minuts: 5 });
// --- 1: minutes
return await tools.calendar.book({ title: "T", at: "x", minutes: "30" });
// --- 2: did you mean tools.calendar.book?
const title = "T";
return await tools.calendar.boook({ title, at: "x" });
// --- 1: did you mean tools.labels?
const labels = await tools.label({});
return labels;
// --- 1: prefix
return await tools.labels({ prefix: 5 });
// --- 2: did you mean tools.crm.list_deals?
const { crm } = tools;
const { items } = await crm.list_deal({ owner: 1 });
return items;
// --- 2: did you mean tools.crm.list_deals?
const crm = tools.crm;
const page = await crm.list_dealz({});
return page.items;
// --- 2: did you mean cursor?
const { list_deals } = tools.crm;
const page = await list_deals({ curser: null });
return page;
// --- 1: owner
const page = await tools.crm.list_deals({ owner: "Ada" });
return page.items;
// --- 3: did you mean tools.crm.get_person?
const ids = [1, 2, 3];
const people = await Promise.all(
  ids.map((id) => tools.crm.get_persons({ id })),
);
return people;
// --- 3: id
const names = [];
for (const n of [1, 2]) {
  names.push((await tools.crm.get_person({ id: "x" })).name);
}
return names;
// --- 2: did you mean changes?
async function main() {
  return await tools.crm.update_person({ id: 1, change: { name: "Z" } });
}
return await main();
// --- 2: changes
const main = async () => {
  const done = await tools.crm.update_person({ id: 1, changes: "name" });
  return done;
};
return await main();
// --- 3: id is missing
const [a, b] = await Promise.all([
  tools.crm.get_person({ id: 1 }),
  tools.crm.update_person({ changes: {} }),
]);
return [a, b];
// --- 4: there is no tool tools.crm.close
try {
  console.log("start");
} finally {
  await tools.crm.close({});
}
// --- 1: did you mean tools.crm.find_people?
return (await tools.crm.find_people2({})).map((p) => p.name);
// --- 2: amount is missing
const owner = 1;
const deal = await tools.crm.create_deal({ owner, stage: "open" });
return deal;
// --- 2: did you mean owner?
const amount = 2;
return await tools.crm.create_deal({ ownr: 1, amount });
// --- 3: mode
const path = "a";
const text = "b";
return await tools.files.write_file({ path, text, mode: "w" });
// --- 1: key is missing
return await tools.web.lookup({});
// --- 1: did you mean key?
return await tools.web.lookup({ keey: 1 });
// --- 1: headers
return await tools.web.fetch_text({ path: "/", headers: ["a"] });
// --- 1: did you mean tools.web.fetch_text?
return JSON.parse(await tools.web.fetch_txt({ path: "/" }));
// --- 2: there is no tool tools.slack.post
const people = await tools.crm.find_people({});
await tools.slack.post({ text: `${people.length} people` });
// --- 1: id
const thread = await tools.mail.thread({ id: null });
return thread.length;
// --- 1: limit
const { mails } = await tools.mail.search({ text: "a", limit: "10" });
return mails;

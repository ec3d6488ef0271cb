// TypeScript as agents write it; all of it runs to its end. A line of dashes stands between programs.
interface Row { n: number }
const data = JSON.parse(await tools.files.read_file({ path: "a.json" })) as { rows: Row[] };
return data.rows.reduce((sum: number, row: Row) => sum + row.n, 0);
// ---
const people: any[] = await tools.crm.find_people({});
return people.map((p: any) => p.name as string);
// ---
type Deal = { id: string; amount: number };
const byId: Record<string, Deal> = {};
for (const d of (await tools.crm.list_deals({ page_size: 9 })).items) byId[d.id] = d;
return Object.values(byId).map((d) => d.amount);
// ---
const answer = (await tools.web.lookup({ key: "k" })) as unknown as { list: (string | number | null)[] };
return answer.list.filter((x): x is string => typeof x === "string");
// ---
const answer: unknown = await tools.web.lookup({ key: 1 });
if (typeof answer === "object" && answer !== null && "list" in answer) {
  return (answer as { list: unknown[] }).list.length;
}
return 0;
// ---
async function safe<T>(p: Promise<T>): Promise<T | null> {
  try { return await p; } catch { return null; }
}
return [await safe(tools.crm.get_person({ id: 99 })), (await safe(tools.crm.get_person({ id: 1 })))!.name];
// ---
let cursor: string | null = null;
const all: any[] = [];
do {
  const page: any = await tools.crm.list_deals({ cursor });
  all.push(...page.items);
  cursor = page.next_cursor;
} while (cursor);
return all.length;
// ---
enum Stage { Open = "open", Won = "won" }
const deal = await tools.crm.create_deal({ owner: 1, amount: 2, stage: Stage.Won as "won" });
return deal.stage === Stage.Won;
// ---
const stage = "won" as const;
return (await tools.crm.create_deal({ owner: 1, amount: 2, stage })).stage satisfies string;
// ---
const kind = "staff" as any;
return (await tools.crm.find_people({ kind })).length;
// ---
const args = { query: "a", limit: 2 } as any;
return (await tools.crm.find_people(args)).length;
// ---
const args: Record<string, unknown> = { query: "a" };
args["limit"] = 1;
return (await tools.crm.find_people(args as never)).length;
// ---
const name: string = "get_person";
return (await (tools as any).crm[name]({ id: 1 })).name;
// ---
const results = await Promise.allSettled([1, 99].map((id) => tools.crm.get_person({ id })));
const good = results.filter((r): r is PromiseFulfilledResult<any> => r.status === "fulfilled");
return good.map((r) => r.value.name);
// ---
const [person, page]: [any, any] = await Promise.all([
  tools.crm.get_person({ id: 1 }), tools.crm.list_deals({ owner: 1 }),
]);
return `${person.name}: ${page.total}`;
// ---
class Client<T extends { id: number }> {
  private held = new Map<number, T>();
  constructor(private readonly get: (id: number) => Promise<T>) {}
  async one(id: number): Promise<T> {
    const known = this.held.get(id);
    if (known) return known;
    const made = await this.get(id);
    this.held.set(id, made);
    return made;
  }
}
const client = new Client((id) => tools.crm.get_person({ id }));
return (await client.one(2)).name;
// ---
try {
  await tools.crm.get_person({ id: 99 });
} catch (error: unknown) {
  return error instanceof Error ? error.name : "?";
}
// ---
const email: string = (await tools.crm.get_person({ id: 2 })).email ?? "none";
return email;
// ---
const person = await tools.crm.get_person({ id: 1 });
return person.email!.split("@")[1];
// ---
const groups = new Map<string, string[]>();
for (const { kind, name } of await tools.crm.find_people({})) {
  groups.set(kind, [...(groups.get(kind) ?? []), name]);
}
return Object.fromEntries(groups);
// ---
function pick<T, K extends keyof T>(from: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((k) => [k, from[k]])) as Pick<T, K>;
}
return pick(await tools.crm.get_person({ id: 1 }), "id", "name");
// ---
const rates: { [code: string]: number } = await tools.money.rates();
return rates["EUR"] + (rates.GBP ?? 0);
// ---
const parsed: { ok: boolean; rows?: { id: number }[] } = JSON.parse(
  String(await tools.web.fetch_text({ path: "/", headers: { a: "b" } })),
);
return parsed.ok && parsed.rows!.length;
// ---
type Args = Parameters<typeof tools.mail.send>[0];
const args: Args = { to: ["a@example.com"], subject: "s" };
return await tools.mail.send(args);
// ---
const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
const days = await tools.weather.forecast({ city: "Bern", days: 2, units: "f" });
return sum(days.map((d) => d.high));
// ---
const maybe: string[] | null = await tools.labels({});
return maybe?.map((x) => x.length) ?? [];
// ---
const to: string[] = (await tools.crm.find_people({})).map((p) => p.email).filter(Boolean) as string[];
return tools.mail.send({ to, subject: "Hi", body: <string> "x" });
// ---
namespace Money { export const code = "EUR"; }
return await tools.money.convert({ amount: 1, source: Money.code, target: "USD" });

//// interfaces with such members
interface Machine { process: string; eval(x: string): number; require?: boolean; [constructor: string]: unknown }
const m: Machine = { process: "mill", eval: (x) => x.length };
return m.eval(m.process);
//// types with such names
type Process = { pid: number }; type Eval = (code: string) => unknown; type Deno = Process | null;
const p: Process = { pid: 1 }; const f: Eval = (c) => c.length; const d: Deno = null;
return [p.pid, f("ab"), d];
//// Function as a type
const call = (f: Function, ...args: unknown[]): unknown => f(...args); let g: Function | undefined; const h = Math.max as Function; const k = <Function>Math.min;
return [call((x: number) => x + 1, 1), g === undefined, h(1, 2), k(1, 2)];
//// Process as a class
class Process { constructor(private readonly process: string, public require = 1) {} get name(): string { return this.process; } }
const made: Process = new Process("x");
return [made.name, made.require];
//// typeof in types
declare const process: { env: Record<string, string> };
type Env = typeof process.env; type E = typeof eval; type R = ReturnType<typeof require>;
declare function require(name: string): unknown;
const env: Env = { A: "1" };
return env.A;
//// ambient declarations
declare const Deno: unknown; declare let Bun: any; declare class WebAssembly {} declare namespace NodeJS { interface Process { env: string } }
declare global { interface Window { process: string } }
return typeof Deno;
//// imports of types
import type { Stats } from "node:fs";
import type fs from "fs";
import { type Buffer } from "node:buffer";
export type Id = string; export interface Item { id: Id }
const item: Item = { id: "a" };
return item.id;
//// types of modules
let s: import("node:fs").Stats | null = null;
type P = import("node:process").Process;
return s;
//// nested names in types
let a: Deno.Conn | undefined; const b: Array<Bun.Server> = []; function f(x: NodeJS.Process): x is NodeJS.Process { return !!x; }
return [a === undefined, b.length, f({} as NodeJS.Process)];
//// generics
function groupBy<T, K extends PropertyKey>(list: readonly T[], key: (t: T) => K): Record<K, T[]> { return list.reduce((r, t) => { (r[key(t)] ??= []).push(t); return r; }, {} as Record<K, T[]>); }
return groupBy([{ process: "a", n: 1 }, { process: "b", n: 2 }], (x) => x.process);
//// enums
enum Level { Low = 1, Mid = Low * 2, High = "high".length } enum process { start = "s" }
return [Level.Mid, Level[1], process.start];
//// const enum and satisfies
const config = { port: 80, hosts: ["a"] } satisfies { port: number; hosts: string[] };
return [config.port, config.hosts.length as number];
//// discriminated unions
type Shape = { kind: "circle"; r: number } | { kind: "rect"; w: number; h: number };
const area = (s: Shape): number => { switch (s.kind) { case "circle": return Math.PI * s.r ** 2; case "rect": return s.w * s.h; default: { const never: never = s; return never; } } };
return Math.round(area({ kind: "circle", r: 1 }) + area({ kind: "rect", w: 2, h: 3 }));
//// mapped and conditional types
type Getters<T> = { [K in keyof T as `get${Capitalize<string & K>}`]: () => T[K] }; type Unwrap<T> = T extends Promise<infer U> ? U : T;
const g: Getters<{ eval: number }> = { getEval: () => 5 }; const u: Unwrap<Promise<string>> = "x";
return [g.getEval(), u];
//// overloads
function eval_(x: string): string; function eval_(x: number): number; function eval_(x: any): any { return x; }
function process(x: string): string; function process(x: number): number; function process(x: any) { return x; }
return [eval_("a"), process(1)];
//// abstract classes
abstract class Task<T> { protected abstract run(): T; execute(): T { return this.run(); } }
class Sum extends Task<number> { constructor(private xs: number[]) { super(); } protected run() { return this.xs.reduce((a, b) => a + b, 0); } }
return new Sum([1, 2]).execute();
//// decorators
function logged(value: any, { name }: { name: string | symbol }) { return function (this: any, ...args: any[]) { return [String(name), value.call(this, ...args)]; }; }
class A { @logged process(x: number) { return x * 2; } }
return new A().process(2);
//// function types with such parameters
type Handler = (process: string, require: number) => void; type New = new (eval: string) => object;
const handle: Handler = (process, require) => console.log(process, require);
handle("a", 1);
return "ok";
//// assertions
function assertText(x: unknown): asserts x is string { if (typeof x !== "string") throw new TypeError("no text"); }
const v: unknown = "text"; assertText(v);
return v.length;
//// optional and non-null
const find = (xs: { process?: { id: number } }[], id: number) => xs.find((x) => x.process?.id === id)!.process!.id;
return find([{ process: { id: 3 } }], 3);
//// tuples with labels
type Range = [process: number, require: number]; const [process, require]: Range = [1, 2];
return process + require;
//// index signatures and records
const counts: Record<string, number> = {}; for (const w of ["eval", "eval", "x"]) counts[w] = (counts[w] ?? 0) + 1;
return counts;
//// async with types
async function load<T>(items: T[]): Promise<T[]> { const out: T[] = []; for await (const i of items) out.push(i); return out; }
return await load<number>([1, 2]);
//// arrow generics
const identity = <T,>(x: T): T => x; const pair = <A, B extends A>(a: A, b: B): [A, B] => [a, b];
return [identity("process"), ...pair(1, 2)];
//// this parameters
function name(this: { process: string }, suffix = "!"): string { return this.process + suffix; }
return name.call({ process: "p" });
//// unique symbols and readonly
const key: unique symbol = Symbol("k"); const o: { readonly [key]: number; readonly constructor_: string } = { [key]: 1, constructor_: "x" };
return [o[key], Object.freeze(["a"] as const).length];
//// type guards over unknown data
type Row = { id: number; constructor: string }; const isRow = (x: unknown): x is Row => typeof x === "object" && x !== null && "id" in x;
return ([{ id: 1, constructor: "Ferrari" }, null] as unknown[]).filter(isRow).map((r) => r.id);
//// template literal types
type Route = `/${string}`; const routes: Route[] = ["/eval", "/process/env"];
return routes.map((r: Route) => r.length);
//// namespaces
namespace Geometry { export const unit = 1; export namespace Deep { export type Side = number; } export function area(a: Deep.Side): number { return a * a * unit; } }
return Geometry.area(3);
//// an alias of a namespace
namespace Shop { export namespace Process { export const id = 7; } }
import Process = Shop.Process;
return Process.id;
//// a long report
interface Sale { readonly id: number; region: "north" | "south"; amount: number; at: string; tags?: string[] }
class Report {
  private readonly totals = new Map<string, { count: number; sum: number }>();
  constructor(private readonly sales: readonly Sale[], readonly options: { min?: number } = {}) {}
  static of(sales: Sale[]): Report { return new Report(sales, { min: 1 }); }
  run(): this {
    for (const { region, amount, at } of this.sales) {
      if (amount < (this.options.min ?? 0)) continue;
      const key = `${region}:${at.slice(0, 7)}`;
      const entry = this.totals.get(key) ?? { count: 0, sum: 0 };
      entry.count += 1; entry.sum += amount;
      this.totals.set(key, entry);
    }
    return this;
  }
  get rows(): Array<{ key: string; mean: number }> { return [...this.totals].map(([key, { count, sum }]) => ({ key, mean: sum / count })); }
}
const sales: Sale[] = [{ id: 1, region: "north", amount: 5, at: "2024-01-03" }, { id: 2, region: "north", amount: 7, at: "2024-01-09", tags: ["process"] }];
return Report.of(sales).run().rows;

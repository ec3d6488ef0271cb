"""The JavaScript and TypeScript that the benchmarks run: bodies of functions."""

from __future__ import annotations

_FRAME = """
const now = typeof performance === 'object' ? () => performance.now() : Date.now;
const began = now();
const check = (() => {%s})();
return { ms: now() - began, check };
"""

COMPUTE = {
    "fib(30)": _FRAME
    % """
  const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
  return fib(30);
""",
    "sort 200k": _FRAME
    % """
  let state = 42;
  const numbers = Array.from({ length: 200000 }, () => (state = (state * 48271) % 2147483647));
  numbers.sort((a, b) => a - b);
  return numbers[100000];
""",
    "JSON": _FRAME
    % """
  const rows = Array.from({ length: 20000 }, (_, id) => (
    { id, name: 'row ' + id, tags: ['a', 'b'], nested: { score: id / 7, on: id % 2 === 0 } }));
  let length = 0;
  for (let i = 0; i < 3; i++) length += JSON.stringify(JSON.parse(JSON.stringify(rows))).length;
  return length;
""",
    "regex": _FRAME
    % """
  const line = 'user_17@example.com visited /items/4711?ref=mail on 2026-03-14T09:26:53Z; ';
  const text = line.repeat(5000);
  let found = 0;
  for (const match of text.matchAll(/([\\w.]+)@([\\w.]+)\\.com/g)) found += match[1].length;
  for (const match of text.matchAll(/(\\d{4})-(\\d\\d)-(\\d\\d)T[\\d:]+Z/g)) found += +match[2];
  return found + text.replace(/\\/items\\/(\\d+)/g, '<$1>').length;
""",
    "strings": _FRAME
    % """
  let text = '';
  for (let i = 0; i < 300000; i++) text += String.fromCharCode(97 + (i % 26)) + i;
  const words = text.split('a');
  let sum = 0;
  for (let i = 0; i < text.length; i += 7) sum += text.charCodeAt(i);
  return words.map((word) => word.toUpperCase()).join('-').length + sum;
""",
}

TYPESCRIPT = """\
interface Order {
  readonly id: number;
  customer: string;
  lines: Line[];
  note?: string;
}
interface Line {
  sku: string;
  quantity: number;
  price: number;
}
type Totals = Record<string, number>;
type Pick2<T, K extends keyof T> = { [P in K]: T[P] };
type Summary = Pick2<Order, 'id' | 'customer'> & { total: number };
const round = (value: number, digits: number = 2): number => {
  const factor: number = 10 ** digits;
  return Math.round(value * factor) / factor;
};
function groupBy<T, K extends string>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups: Map<K, T[]> = new Map<K, T[]>();
  for (const item of items) {
    const group: T[] = groups.get(key(item)) ?? [];
    group.push(item);
    groups.set(key(item), group);
  }
  return groups;
}
class Ledger<T extends Order> {
  private readonly orders: T[] = [];
  public add(order: T): this {
    this.orders.push(order);
    return this;
  }
  public total(order: T): number {
    return order.lines.reduce((sum: number, line: Line): number => sum + line.price, 0);
  }
  public summaries(): Summary[] {
    return this.orders.map((order: T): Summary => (
      { id: order.id, customer: order.customer, total: round(this.total(order)) }));
  }
}
const ledger: Ledger<Order> = new Ledger<Order>();
for (let id: number = 0; id < 10; id++) {
  const line: Line = { sku: `sku-${id}`, quantity: 1, price: id * 1.25 };
  ledger.add({ id, customer: id % 2 ? 'ann' : 'bob', lines: [line] } as Order);
}
const totals: Totals = {};
for (const [name, group] of groupBy(ledger.summaries(), (s: Summary): string => s.customer))
  totals[name] = group!.reduce((sum: number, s: Summary): number => sum + s.total, 0);
return totals;
"""

JAVASCRIPT = """\
const round = (value, digits = 2) => {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
};
function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const group = groups.get(key(item)) ?? [];
    group.push(item);
    groups.set(key(item), group);
  }
  return groups;
}
class Ledger {
  orders = [];
  add(order) {
    this.orders.push(order);
    return this;
  }
  total(order) {
    return order.lines.reduce((sum, line) => sum + line.price, 0);
  }
  summaries() {
    return this.orders.map((order) => (
      { id: order.id, customer: order.customer, total: round(this.total(order)) }));
  }
}
const ledger = new Ledger();
for (let id = 0; id < 10; id++) {
  const line = { sku: `sku-${id}`, quantity: 1, price: id * 1.25 };
  ledger.add({ id, customer: id % 2 ? 'ann' : 'bob', lines: [line] });
}
const totals = {};
for (const [name, group] of groupBy(ledger.summaries(), (s) => s.customer))
  totals[name] = group.reduce((sum, s) => sum + s.total, 0);
return totals;
"""

const out = [];
const deep = (n) => (n ? deep(n - 1) + 1 : new Error("deep").stack.length > 0);
out.push(deep(3000) > 0);
const endless = () => endless() + 1;
try { endless() } catch (e) { out.push(e.name, e.message) }
let chain = new Error("0");
for (let i = 0; i < 200; i++) chain = new Error("c" + i, { cause: chain });
console.log(chain);
console.error(new AggregateError([chain, new TypeError("t")], "all"));
console.trace("here");
let nest = {};
for (let i = 0; i < 20000; i++) nest = { a: nest };
for (const use of [JSON.stringify, structuredClone]) try { use(nest); out.push("done") } catch (e) { out.push(e.name) }
console.dir(nest, { depth: 50 });
Error.stackTraceLimit = 500;
const later = async (n) => { await null; if (n) return later(n - 1); throw new Error("async") };
try { await later(50) } catch (e) { out.push(e.message, e.stack.length > 0) }
Error.prepareStackTrace = (error, sites) => sites.map((s) => [s.getFileName(), s.getLineNumber(), s.isAsync()]).length;
out.push(new Error("x").stack > 0);
try { new RegExp("(".repeat(50000)) } catch (e) { out.push(e.name) }
try { null.x } catch (e) { out.push(e.message) }
return out;

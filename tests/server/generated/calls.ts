// Makes every call with the types that openapi-typescript made.   node calls.js URL KEY
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };
const [, , baseUrl, key] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

function told<T>(name: string, answer: { data?: T; error?: unknown; response: Response }): T {
  console.log(name, answer.response.status, answer.data === undefined ? "nothing" : typeof answer.data);
  if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data as T;
}

told("alive", await client.GET("/healthz"));
told("ready", await client.GET("/readyz"));
told("status", await client.GET("/api/v1/status"));
told("metrics", await client.GET("/metrics", { parseAs: "text" }));
told("me", await client.GET("/api/v1/me"));
const body = { code: "return context.n * 2", language: "javascript" as const, context: { n: 21 }, tools: [], rules: [] };
const ran = told("execute", await client.POST("/api/v1/execute", { body }));
if (ran.output !== 42) throw new Error(`got ${ran.output}`);
const asked = { code: "return eval('1')", language: "javascript" as const };
told("validate", await client.POST("/api/v1/validate", { body: asked }));
const page = told("history", await client.GET("/api/v1/executions", { params: { query: { limit: 5 } } }));
const requestId: string = page.executions[0].requestId;
const path = { requestId };
told("execution", await client.GET("/api/v1/executions/{requestId}", { params: { path } }));
told("output", await client.GET("/api/v1/executions/{requestId}/output", { params: { path } }));
const following = { params: { path }, parseAs: "text" as const };
told("execution_stream", await client.GET("/api/v1/executions/{requestId}/stream", following));
const showing = { code: "show('a,b', {type: 'text/csv'}); let n = 1", session: "kept", seed: 7 };
const shown = await client.POST("/api/v1/execute", { body: showing });
if (!shown.data?.artifacts) throw new Error(JSON.stringify(shown.error));
const file = { requestId: String(shown.data.requestId), artifactId: shown.data.artifacts[0].id };
const bytes = { params: { path: file }, parseAs: "text" as const };
const csv = told("artifact", await client.GET("/api/v1/executions/{requestId}/artifacts/{artifactId}", bytes));
if (csv !== "a,b") throw new Error(`got ${csv}`);
const open = told("sessions", await client.GET("/api/v1/sessions"));
if (open.sessions[0].session !== "kept") throw new Error(JSON.stringify(open));
told("end_session", await client.DELETE("/api/v1/sessions/{session}", { params: { path: { session: "kept" } } }));
const codeHash: string = ran.codeHash;
told("by_code", await client.GET("/api/v1/code/{codeHash}", { params: { path: { codeHash } } }));
const agent = { params: { path: { agentId: "root" } } };
told("stats", await client.GET("/api/v1/agents/{agentId}/stats", agent));
told("failures", await client.GET("/api/v1/agents/{agentId}/failures", agent));
told("trends", await client.GET("/api/v1/trends"));
told("tools", await client.GET("/api/v1/tools", { params: { query: { detail: "brief" } } }));
for (const question of ["resources", "code-lengths", "repeated-code", "slowest", "security", "tools", "agents", "timeline", "failure-causes", "pauses"] as const) {
  told(question === "tools" ? "tool-use" : question, await client.GET("/api/v1/analytics/{question}", { params: { path: { question } } }));
}
told("approvals", await client.GET("/api/v1/approvals"));
const saving = { body: { name: "twice_in_types", requestId: String(ran.requestId), forAll: false, replace: false } };
told("save_snippet", await client.POST("/api/v1/snippets", saving));
const saved = told("snippets", await client.GET("/api/v1/snippets"));
if (saved.snippets[0].name !== "twice_in_types") throw new Error(JSON.stringify(saved));
const named = { params: { path: { name: "twice_in_types" } } };
told("snippet", await client.GET("/api/v1/snippets/{name}", named));
told("remove_snippet", await client.DELETE("/api/v1/snippets/{name}", named));
told("list_agents", await client.GET("/api/v1/agents"));
const added = { agentId: "made-by-types", role: "agent" as const, limits: {}, rules: [] };
const made = told("add_agent", await client.POST("/api/v1/agents", { body: added }));
const its = { params: { path: { agentId: made.agent.agentId } } };
const rules = [{ action: "deny" as const, tool: "crm.*", when: "amount > 5" }];
told("set_agent_rules", await client.PUT("/api/v1/agents/{agentId}/rules", { ...its, body: { rules } }));
const kept = told("agent_rules", await client.GET("/api/v1/agents/{agentId}/rules", its));
if (kept.rules[0].when !== rules[0].when) throw new Error("the rules are others");
const fewer = { ...its, body: { limits: { maxRuns: 3 } } };
const less = told("change_agent", await client.PATCH("/api/v1/agents/{agentId}", fewer));
if (less.limits.maxRuns !== 3) throw new Error("the limits are others");
told("rotate_agent", await client.POST("/api/v1/agents/{agentId}/rotate", its));
told("revoke_agent", await client.DELETE("/api/v1/agents/{agentId}", its));

async function* events(stream: ReadableStream<Uint8Array>): AsyncGenerator<Record<string, string>> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
  }
}
const gone = new AbortController();
const asking = { body: { tools: [{ name: "ask" }] }, parseAs: "stream" as const, signal: gone.signal };
const stream = told("hand_in", await client.POST("/api/v1/tools/connections", asking));
const sent = events(stream as ReadableStream<Uint8Array>);
const connectionId: string = (await sent.next()).value.connectionId;
const header = { "X-Tool-Connection": connectionId };
const running = client.POST("/api/v1/execute", {
  body: { code: "return await tools.ask()" },
  params: { header },
});
const callId: string = (await sent.next()).value.callId;
const answer = { params: { path: { connectionId, callId } }, body: { value: { lines: 3 } } };
const answering = "/api/v1/tools/connections/{connectionId}/calls/{callId}";
told("answer_call", await client.POST(answering, answer));
const answered = (await running).data?.output as { lines: number };
if (answered.lines !== 3) throw new Error(JSON.stringify(answered));
gone.abort();
const leaving = new AbortController();
const feed = { parseAs: "stream" as const, signal: leaving.signal };
told("events", await client.GET("/api/v1/events", feed));
leaving.abort();

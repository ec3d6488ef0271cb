// The live feed: events as they come, filtered here; paused, they wait, and none is lost.
"use strict";

const KEPT = 2000; // events that the page remembers
const SHOWN = 300; // rows that the table has
const WAITING = 10_000; // events that wait while paused, before the stream is let go and resumed later

const table = document.getElementById("events");
const form = document.getElementById("filters");
const pauseButton = document.getElementById("pause");
const counts = document.getElementById("counts");
const nothing = document.getElementById("nothing");
const link = document.getElementById("link");

let kept = []; // newest last
let incoming = [];
let paused = false;
let source = null;
let last = ""; // the place of the event that came last
let seen = 0;
let scheduled = false;
const languages = new Map(); // request to language: some events do not say it

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|[\t\n]|\p{Surrogate}/gu;

const CONTROLS = ("NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM " +
  "SUB ESC FS GS RS US").split(" ");

// Text of strangers: one line, short, with what would hide or turn it made visible.
function visible(text, most = 200) {
  const whole = String(text ?? "");
  const shown = whole.slice(0, most).replace(HIDDEN, (mark) => {
    if (mark === "\t" || mark === "\n") return " ";
    if (mark < " ") return `⟨${CONTROLS[mark.charCodeAt(0)]}⟩`;
    return `⟨U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
  return whole.length > most ? `${shown}…` : shown;
}

// A name as one part of an address: the server's _segments.py does the same.
function segment(name) {
  if (/^[\w:@-][\w.:@-]*$/.test(name)) return name;
  const bytes = String.fromCharCode(...new TextEncoder().encode(name));
  return `~${btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

function remember(entry) {
  const { data } = entry;
  if (data.language) languages.set(data.requestId, data.language);
  if (languages.size > KEPT) languages.delete(languages.keys().next().value);
}

const outcome = (type) =>
  ({ "code:execution:completed": "ok", "code:execution:failed": "failed", "code:tool:completed": "ok",
    "code:tool:failed": "failed", "code:tool:denied": "failed", "code:execution:timeout": "failed",
    "code:resource:limit:exceeded": "failed", "code:security:issue": "failed" })[type] ?? "";

const WAITS = new Set(["code:execution:paused", "code:approval:requested"]);

function wanted(entry) {
  const value = (name) => form.elements[name].value.trim();
  return (!value("agent") || entry.agentId === value("agent")) &&
    (!value("channel") || entry.channelId === value("channel")) &&
    (!value("type") || entry.eventType === value("type")) &&
    (!value("language") || languages.get(entry.data.requestId) === value("language")) &&
    (!value("outcome") || outcome(entry.eventType) === value("outcome")) &&
    (!value("tool") || (entry.data.tool ?? "").includes(value("tool")));
}

const LEFT_OUT = new Set(["eventType", "requestId", "codeHash", "resourceUsage", "argumentsHash", "callId", "runId"]);

const time = (value) => (value < 1000 ? `${value.toFixed(value < 10 ? 1 : 0)}\u00a0ms` : `${(value / 1000).toFixed(2)}\u00a0s`);
const size = (value) => (value < 1000 ? `${value}\u00a0B` : `${(value / 1000).toFixed(1)}\u00a0kB`);
// How a field is told: its name in words, and its value's unit.
const TOLD = {
  executionTime: ["took", time], validationTime: ["took", time], duration: ["took", time], actualTime: ["took", time],
  queued: ["waited", time], timeout: ["deadline", time], bytesIn: ["sent", size], bytesOut: ["got", size],
  outputSize: ["output", size], errorCount: ["errors", String], warningCount: ["warnings", String],
  logCount: ["console lines", String], codeLength: ["characters", String], errorType: ["type", String],
  issueType: ["issue", String], language: ["", String], tool: ["", String], effect: ["", String],
  expiresAt: ["until", (value) => localTime(new Date(value))], fraction: ["at", (value) => `${Math.round(value * 100)}%`], message: ["", String],
};

function about(data) {
  const parts = document.createDocumentFragment();
  for (const [name, value] of Object.entries(data)) {
    if (LEFT_OUT.has(name) || value === "" || value === null) continue;
    const [words, unit] = TOLD[name] ?? [name, String];
    const label = document.createElement("span");
    label.className = "quiet";
    label.textContent = `${parts.childNodes.length ? " · " : ""}${words}${words && " "}`;
    const measured = unit !== String && typeof value === "number";
    parts.append(label, measured ? unit(value) : visible(value, 160));
  }
  return parts;
}

function cell(text, className) {
  const made = document.createElement("td");
  if (className) made.className = className;
  made.append(text);
  return made;
}

function row(entry, isNew) {
  const made = document.createElement("tr");
  if (isNew) made.className = "new";
  const time = document.createElement("time");
  const moment = new Date(entry.timestamp);
  time.dateTime = moment.toISOString();
  time.title = time.dateTime;
  time.textContent = `${localTime(moment)}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
  const result = outcome(entry.eventType);
  const state = document.createElement("span");
  const kind = WAITS.has(entry.eventType) ? "waits" : result;
  state.className = `state ${{ ok: "ok", failed: "bad", waits: "warn" }[kind] ?? "plain"}`;
  state.append(`${{ ok: "✓", failed: "✕", waits: "◷" }[kind] ?? "·"} ${entry.eventType.slice(5)}`);
  const agent = document.createElement("bdi");
  agent.textContent = visible(entry.agentId, 40);
  const run = document.createElement("a");
  run.href = `${table.dataset.run}${segment(entry.data.requestId)}?agentId=${encodeURIComponent(entry.agentId)}`;
  run.textContent = visible(entry.data.requestId, 12);
  run.title = visible(entry.data.requestId);
  made.append(cell(time), cell(state), cell(agent), cell(run), cell(about(entry.data), "wide"));
  return made;
}

function say() {
  const matching = table.childElementCount;
  const waiting = incoming.length;
  counts.textContent = paused
    ? `Paused. ${waiting.toLocaleString()} event${waiting === 1 ? "" : "s"} wait${waiting === 1 ? "s" : ""}.`
    : `${seen.toLocaleString()} events so far; ${matching.toLocaleString()} shown${matching >= SHOWN ? ", the newest" : ""}.`;
  nothing.hidden = seen + waiting > 0;
}

// What has come since the last time, in one go: however many there are, the page is drawn once.
function draw() {
  scheduled = false;
  if (!paused && incoming.length) {
    const fresh = incoming;
    incoming = [];
    seen += fresh.length;
    kept = kept.concat(fresh).slice(-KEPT);
    const rows = fresh.filter(wanted).slice(-SHOWN).map((entry) => row(entry, true));
    table.prepend(...rows.reverse());
    while (table.childElementCount > SHOWN) table.lastElementChild.remove();
  }
  say();
}

function drawAll() {
  const rows = kept.filter(wanted).slice(-SHOWN).map((entry) => row(entry, false));
  table.replaceChildren(...rows.reverse());
  say();
}

function schedule() {
  if (!scheduled) {
    scheduled = true;
    if (document.hidden) setTimeout(draw, 500);
    else requestAnimationFrame(draw);
  }
}

function status(sign, words, className) {
  link.className = `state ${className}`;
  link.replaceChildren(Object.assign(document.createElement("span"), { textContent: sign, ariaHidden: "true" }), ` ${words}`);
}

function take(message) {
  last = message.lastEventId || last;
  const entry = JSON.parse(message.data);
  remember(entry);
  incoming.push(entry);
  if (paused && incoming.length >= WAITING) disconnect();
  schedule();
}

function connect() {
  if (source) return;
  const address = table.dataset.stream + (last ? `?after=${encodeURIComponent(last)}` : "");
  source = new EventSource(address);
  source.onopen = () => status("●", "live", "ok");
  source.onerror = () => {
    status("◷", "connecting again", "warn");
    if (source?.readyState === EventSource.CLOSED) {
      disconnect();
      setTimeout(connect, 3000);
    }
  };
  for (const option of form.elements.type.options) if (option.value || option.text !== "any") source.addEventListener(option.text, take);
}

function disconnect() {
  source?.close();
  source = null;
}

function pause() {
  paused = !paused;
  pauseButton.setAttribute("aria-pressed", String(paused));
  pauseButton.textContent = paused ? "Resume" : "Pause";
  if (!paused) connect(); // goes on after the last event, if the stream was let go
  draw();
}

pauseButton.addEventListener("click", pause);
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA|BUTTON|A)$/.test(event.target.tagName);
  if (event.key === "p" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) pause();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  const pairs = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(pairs).toString();
  history.replaceState(null, "", location.pathname + (query && `?${query}`));
  drawAll();
});
document.getElementById("clear").addEventListener("click", () => {
  for (const element of form.elements) if (element.name) element.value = "";
  form.dispatchEvent(new Event("input"));
});
// A page that nobody sees lets its connection go: a browser has few of them for one server.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) disconnect();
  else connect();
});
connect();
say();

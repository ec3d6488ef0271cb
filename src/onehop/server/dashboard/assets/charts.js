// Charts of the numbers in the table below them.
"use strict";

const HEIGHT = 180;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ok: of("ok"), bad: of("bad"), line: of("line"), quiet: of("quiet"), accent: of("accent"), card: of("card") };
}

function numbers() {
  const rows = [...document.querySelectorAll("#bars [data-bar]")].map((row) => row.dataset.bar.split(",").map(Number));
  return {
    step: Number(document.getElementById("bars")?.dataset.step) / 1000,
    starts: rows.map((row) => row[0] / 1000),
    ok: rows.map((row) => row[1] || null), // an empty bar would be a line
    failed: rows.map((row) => row[2]),
    total: rows.map((row) => row[1] + row[2] || null),
    time: rows.map((row) => (row[1] + row[2] ? row[3] : null)),
  };
}

// Stripes, so that failures differ from successes without colour.
function stripes(colour, ground) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = colour;
  pen.lineWidth = 2.5;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) { pen.moveTo(shift - 1, 7); pen.lineTo(shift + 7, -1); }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

const pad = (number) => String(number).padStart(2, "0");
const day = (moment) => `${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
const clock = (moment) => `${pad(moment.getHours())}:${pad(moment.getMinutes())}`;

// Marks of the time axis, as the tables write times: the day where one begins.
function marks(_chart, splits, _axis, _space, step) {
  return splits.map((seconds, place) => {
    const moment = new Date(seconds * 1000);
    if (step >= 86400) return day(moment);
    return place === 0 || clock(moment) === "00:00" ? `${clock(moment)}\n${day(moment)}` : clock(moment);
  });
}

const when = { label: "From", value: (_chart, seconds) => (seconds === null ? "–" : `${day(new Date(seconds * 1000))} ${clock(new Date(seconds * 1000))}`) };

function span(found) {
  const { starts, step } = found();
  return { x: { range: () => [starts[0], starts[starts.length - 1] + step] } };
}

function axes(shade) {
  const common = { stroke: shade.quiet, grid: { stroke: shade.line, width: 1 }, ticks: { stroke: shade.line, width: 1 }, font: "12px system-ui, sans-serif" };
  return [{ ...common, grid: { show: false }, values: marks }, { ...common, size: 52 }];
}

const whole = (_chart, value) => (value === null ? "–" : value.toLocaleString());

function runs(place, found, shade) {
  const bars = uPlot.paths.bars({ size: [0.8, 40], align: 1 });
  const options = {
    width: place.clientWidth - 24, height: HEIGHT, axes: axes(shade), cursor: { points: { show: false } },
    scales: { ...span(found), y: { range: (_chart, _low, high) => [0, Math.max((high ?? 0) * 1.1, 4)] } },
    series: [
      when,
      { label: "failed", paths: bars, stroke: shade.bad, width: 1, fill: stripes(shade.bad, shade.card), value: (chart, _v, _s, at) => whole(chart, at === null ? null : found().failed[at]), points: { show: false } },
      { label: "succeeded", paths: bars, fill: shade.ok, stroke: shade.ok, width: 1, value: whole, points: { show: false } },
    ],
  };
  const data = () => [found().starts, found().total, found().ok];
  return [new uPlot(options, data(), place), data];
}

function time(place, found, shade) {
  const options = {
    width: place.clientWidth - 24, height: HEIGHT, axes: axes(shade),
    scales: { ...span(found), y: { range: (_chart, _low, high) => [0, Math.max((high ?? 0) * 1.1, 1)] } },
    series: [when, { label: "ms", stroke: shade.accent, width: 2, points: { show: true, size: 5, fill: shade.accent }, value: whole }],
  };
  const data = () => [found().starts, found().time];
  return [new uPlot(options, data(), place), data];
}

const KINDS = { runs, time };
let drawn = [];

function draw() {
  for (const [chart] of drawn) chart.destroy();
  drawn = [];
  const shade = colours();
  for (const place of document.querySelectorAll("[data-chart]")) {
    place.replaceChildren();
    drawn.push(KINDS[place.dataset.chart](place, numbers, shade));
  }
}

let timer;
addEventListener("resize", () => {
  clearTimeout(timer);
  timer = setTimeout(draw, 100);
});

// The same charts with other numbers, where they are still there.
function redraw() {
  const places = document.querySelectorAll("[data-chart]");
  const isSame = places.length === drawn.length && drawn.every(([chart]) => chart.root.isConnected);
  if (!isSame) return draw();
  for (const [chart, data] of drawn) chart.setData(data());
  return undefined;
}
document.addEventListener("onehop:renewed", redraw);
document.addEventListener("onehop:theme", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();

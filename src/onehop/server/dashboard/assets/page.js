// What every page has: times in the reader's zone, light or dark, copying, and keys that decide.
"use strict";

const two = (number) => String(number).padStart(2, "0");

function localTime(moment) {
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) element.textContent = localTime(moment);
  }
}

function showZone() {
  const zone = document.getElementById("zone");
  if (zone) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "your zone";
}

function offerThemes() {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const words = button.querySelector("span");
  const show = () => { words.textContent = root.dataset.theme || "system"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = { undefined: "light", light: "dark", dark: "" }[root.dataset.theme];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    const age = next ? 31536000 : 0;
    document.cookie = `onehop_theme=${next}; path=/; max-age=${age}; samesite=lax`;
    show();
    document.dispatchEvent(new Event("onehop:theme"));
  });
  show();
}

function offerCopies() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}

// A call that waits is decided with one key while it has the focus.
function decideByKey() {
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.("[data-decide]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "k") return goTo(event, event.key === "j" ? 1 : -1);
    const button = event.target.querySelector(`button[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
    if (!button) return undefined;
    event.preventDefault();
    const hidden = button.closest("details:not([open])");
    if (!hidden) return button.click();
    hidden.open = true;
    return hidden.querySelector("input, textarea, button").focus();
  });
}

// The next call that waits, or the one before.
function goTo(event, step) {
  const calls = [...document.querySelectorAll("[data-decide]")];
  calls[calls.indexOf(event.target) + step]?.focus();
  event.preventDefault();
}

showTimes(document);
showZone();
offerThemes();
offerCopies();
decideByKey();

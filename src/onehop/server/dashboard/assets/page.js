// What every page has: times in the reader's zone, light or dark, copying, and what renews itself.
"use strict";

const parser = window.trustedTypes
  ? trustedTypes.createPolicy("onehop", { createHTML: (text) => text })
  : { createHTML: (text) => text };

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

// A part of the page as the server has it now. What has the focus or is selected stays.
async function renew(address) {
  const part = document.getElementById("fresh");
  const answer = await fetch(address, { credentials: "same-origin", redirect: "error" });
  if (answer.status === 401 || answer.status === 403) return location.reload();
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const text = parser.createHTML(await answer.text());
  const page = new DOMParser().parseFromString(text, "text/html");
  const other = page.getElementById("fresh");
  if (!part || !other) return undefined;
  const open = part.contains(document.activeElement) || String(getSelection());
  if (open && part.dataset.refresh) return undefined;
  showTimes(other);
  part.replaceChildren(...other.childNodes);
  document.title = page.title; // how many calls wait
  const pages = document.querySelector(".side nav ul");
  if (!pages.contains(document.activeElement)) pages.replaceChildren(...page.querySelector(".side nav ul").childNodes);
  document.dispatchEvent(new Event("onehop:renewed"));
  return undefined;
}

function keepFresh() {
  const part = document.getElementById("fresh");
  const seconds = Number(part?.dataset.refresh || 0);
  if (!seconds) return;
  setInterval(() => {
    if (!document.hidden) renew(location.href).catch(() => {});
  }, seconds * 1000);
}

// A form of filters takes effect while it is filled in, and its address is the page's.
function filterAtOnce() {
  const form = document.querySelector("form[data-live]");
  if (!form) return;
  let timer;
  const apply = () => {
    if (!form.checkValidity()) return;
    const pairs = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(pairs).toString();
    const address = form.getAttribute("action") + (query && `?${query}`);
    renew(address).then(() => history.replaceState(null, "", address), () => form.submit());
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 250);
  });
}

// A call that waits is decided with one key while it has the focus.
function decideByKey() {
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.("[data-decide]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = event.target.querySelector(`button[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
    if (!button) return;
    event.preventDefault();
    const hidden = button.closest("details:not([open])");
    if (!hidden) return button.click();
    hidden.open = true;
    hidden.querySelector("input, textarea, button").focus();
  });
}

showTimes(document);
showZone();
offerThemes();
offerCopies();
keepFresh();
filterAtOnce();
decideByKey();

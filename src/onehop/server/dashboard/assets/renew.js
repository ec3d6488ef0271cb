// Pages that renew themselves: what is the same stays the same element, with its focus and what a
// reader has unfolded; and nothing changes under the pointer or under the focus.
"use strict";

{ // names of its own
  const parser = window.trustedTypes
    ? trustedTypes.createPolicy("onehop", { createHTML: (text) => text })
    : { createHTML: (text) => text };

  const CONTROLS = "a, button, input, select, textarea";
  const AWAY = 15; // seconds between renewals of a page that nobody sees, where its title counts what waits
  const RETRY = 5; // seconds after which a server is asked again that did not answer

  const part = document.getElementById("fresh");
  let shown = part?.textContent;
  let asked = 0; // times: an answer counts as long as nothing was asked after it

  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "");
  const isAlike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  function counterpart(from, wanted) {
    const key = keyOf(wanted);
    if (!key) return from && isAlike(from, wanted) ? from : null;
    let found = from;
    while (found && keyOf(found) !== key) found = found.nextSibling;
    return found;
  }

  function patch(node, wanted) {
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.data !== wanted.data) node.data = wanted.data;
      return;
    }
    for (const { name } of [...node.attributes]) if (name !== "open" && !wanted.hasAttribute(name)) node.removeAttribute(name);
    for (const { name, value } of wanted.attributes) if (name !== "open" && node.getAttribute(name) !== value) node.setAttribute(name, value);
    if (!wanted.dataset.chart) morph(node, wanted); // a chart is drawn by its own script
  }

  // Make the children of `node` those of `wanted`.
  function morph(node, wanted) {
    let at = node.firstChild;
    for (const next of [...wanted.childNodes]) {
      const found = counterpart(at, next);
      if (!found) node.insertBefore(next, at);
      else {
        if (found === at) at = at.nextSibling;
        else node.insertBefore(found, at);
        patch(found, next);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  // Whether a reader is about to use something that would change.
  function isHeld() {
    const focused = document.activeElement;
    const selected = getSelection();
    if (!selected.isCollapsed && part.contains(selected.anchorNode)) return true;
    if (part.querySelector(":is(a, button, input, select, textarea, [data-decide]):hover")) return true;
    return part.contains(focused) && (focused.matches(CONTROLS) || focused.closest("[data-decide]") !== null);
  }

  function say(words, action) {
    let note = document.getElementById("held");
    if (!words) return note?.remove();
    if (!note) {
      note = Object.assign(document.createElement("p"), { id: "held", className: "held" });
      note.setAttribute("role", "status");
      document.getElementById("main").append(note);
    }
    if (note.dataset.words === words) return undefined;
    note.dataset.words = words;
    note.replaceChildren(`${words} `);
    if (action) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Show it" });
      button.addEventListener("click", action);
      note.append(button);
    }
    return undefined;
  }

  async function ask(address) {
    const answer = await fetch(address, { credentials: "same-origin", redirect: "error" });
    if (answer.status === 401 || answer.status === 403) return location.reload();
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return new DOMParser().parseFromString(parser.createHTML(await answer.text()), "text/html");
  }

  function apply(page, fresh) {
    shown = fresh.textContent;
    showTimes(fresh);
    patch(part, fresh);
    say("");
    document.dispatchEvent(new Event("onehop:renewed"));
  }

  // A part of the page as the server has it now.
  async function renew(address, isAsked) {
    const turn = (asked += 1);
    const page = await ask(address);
    if (turn !== asked) return undefined;
    const fresh = page?.getElementById("fresh");
    if (!fresh && part.dataset.whole !== undefined) return location.reload(); // it has ended: another page
    if (!fresh) return undefined;
    document.title = page.title; // how many calls wait
    morph(document.querySelector(".side nav ul"), page.querySelector(".side nav ul"));
    if (isAsked || !isHeld()) apply(page, fresh);
    else if (fresh.textContent !== shown) say("There is something new.", () => renew(address, true));
    return undefined;
  }

  function keepFresh() {
    const counts = part?.dataset.counts !== undefined;
    let last = performance.now();
    let wasAway = false;
    const due = () => {
      const seconds = Number(part?.dataset.refresh || 0);
      if (!seconds) return Infinity;
      if (document.hidden) return counts ? AWAY : Infinity;
      return wasAway ? Math.max(RETRY, seconds) : seconds;
    };
    const tick = async () => {
      if (performance.now() - last >= due() * 1000) {
        await renew(location.href).then(() => { wasAway = false; }, () => {
          wasAway = true;
          say("The server does not answer. This is how it was.");
        });
        last = performance.now();
      }
      setTimeout(tick, 250);
    };
    if (due() !== Infinity || document.hidden) tick();
  }

  // A form of filters takes effect while it is filled in, and its address is the page's.
  function filterAtOnce() {
    const form = document.querySelector("form[data-live]");
    if (!form) return;
    let timer;
    const filter = () => {
      if (!form.checkValidity()) return;
      const pairs = [...new FormData(form)].filter(([, value]) => value !== "");
      const query = new URLSearchParams(pairs).toString();
      const address = form.getAttribute("action") + (query && `?${query}`);
      history.replaceState(null, "", address);
      renew(address, true).catch(() => form.submit());
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(filter, 250);
    });
  }

  keepFresh();
  filterAtOnce();
}

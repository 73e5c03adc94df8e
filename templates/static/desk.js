// What the pages of moderators need from a browser: nothing that was typed is lost.
(() => {
  "use strict";

  // All of the settings stood on one page once: links that name a part of it lead on.
  const menu = document.querySelector(".settings-nav");
  const part = location.hash.slice(1);
  if (menu && part && !document.getElementById(part)) {
    for (const link of menu.querySelectorAll("[data-parts]")) {
      const parts = link.dataset.parts.split(" ");
      if (parts.includes(part) || (parts.includes("networks") && part.startsWith("network-"))) {
        location.replace(link.pathname + location.hash);
        return;
      }
    }
  }
  // The menu is a row that scrolls on a phone.
  const here = menu?.querySelector("[aria-current]");
  if (here) menu.scrollLeft = here.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;

  // What can be undone can be so for a moment.
  const undo = document.getElementById("undo");
  if (undo) setTimeout(() => undo.remove(), undo.dataset.seconds * 1e3);

  const desk = document.querySelector(".settings");
  const kept = "ticketfrei-draft:";
  const days = 7 * 24 * 3600e3;
  const secret = /pass|token|secret|key|old|new/i;

  // fields are those of a form into which somebody types, without what must not be stored.
  const fields = (form) =>
    [...form.elements].filter((e) => e.name && !secret.test(e.name) && (e.tagName === "TEXTAREA" || (e.tagName === "INPUT" && /^(text|url|search|number)$/.test(e.type)))
      && !e.readOnly && !e.hidden);
  const values = (form) => Object.fromEntries(fields(form).map((e) => [e.name, e.value]));
  const same = (a, b) => Object.keys(a).every((name) => a[name] === b[name]);
  const read = (key) => {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null; // what is no draft, and where nothing can be stored
    }
  };
  const write = (key, draft) => {
    try {
      if (draft) localStorage.setItem(key, JSON.stringify(draft));
      else localStorage.removeItem(key);
    } catch {} // there is no room, or it is forbidden: then nothing is kept
  };

  // Drafts that are old, or were sent and have been saved by now, go.
  const saved = document.querySelector(".success[role=status]") && !desk?.hasAttribute("data-posted");
  const keys = () => {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(kept));
    } catch {
      return [];
    }
  };
  for (const key of keys()) {
    const draft = read(key);
    if (!draft || Date.now() - draft.at > days || (saved && draft.sent)) write(key, null);
  }

  let leaving = false;
  const changed = new Set();

  const follow = (form) => {
    const city = form.elements.settings_city?.value;
    if (!city || !fields(form).length) return;
    const key = kept + city + ":" + form.getAttribute("action").split("#")[0];
    const stored = values(form);
    let draft = read(key);
    const mark = () => (same(stored, values(form)) ? changed.delete(form) : changed.add(form));
    if (draft && same(draft.typed, stored)) {
      // The page shows it already: it was stored, or it came back with what is wrong.
      if (!desk?.hasAttribute("data-posted")) write(key, (draft = null));
      else changed.add(form);
    } else if (draft) {
      restore(form, draft.typed, () => {
        write(key, null);
        for (const e of fields(form)) e.value = stored[e.name];
        mark();
      });
      mark();
    }
    form.addEventListener("input", () => {
      mark();
      write(key, changed.has(form) ? { at: Date.now(), typed: values(form) } : null);
    });
    form.addEventListener("submit", () => {
      leaving = true;
      const typed = read(key);
      if (typed) write(key, { ...typed, sent: true });
    });
  };

  // restore puts back what was typed, with a word and a way to be rid of it.
  const restore = (form, typed, discard) => {
    for (const e of fields(form)) if (e.name in typed) e.value = typed[e.name];
    if (!desk) return;
    const said = document.createElement("p");
    said.className = "draft";
    said.setAttribute("role", "status");
    said.append(desk.dataset.restored + " ");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button secondary small";
    button.textContent = desk.dataset.discard;
    button.addEventListener("click", () => (discard(), said.remove()));
    said.append(button);
    form.prepend(said);
    for (let up = form.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
  };

  for (const form of document.querySelectorAll('main form[method="post"]')) follow(form);
  document.addEventListener("submit", () => (leaving = true));
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (e) => {
    if (!leaving && changed.size) e.preventDefault();
  });
})();

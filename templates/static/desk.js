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

  // A draft is what differs from what was stored, with what was stored: what somebody else
  // saves meanwhile, or another form of the page, stays as it is then.
  const follow = (form) => {
    const city = form.elements.settings_city?.value;
    if (!city || !fields(form).length) return;
    const key = kept + city + ":" + form.getAttribute("action").split("#")[0];
    const posted = desk?.hasAttribute("data-posted");
    const shown = values(form);
    const seen = form.elements.seen;
    let draft = read(key);
    const stored = posted ? { ...shown, ...draft?.was } : shown;
    const typed = () => Object.fromEntries(Object.entries(values(form)).filter(([name, value]) => value !== stored[name]));
    const mark = () => (same(stored, values(form)) ? changed.delete(form) : changed.add(form));
    if (draft && !posted && same(draft.typed, stored)) {
      write(key, (draft = null)); // it was stored
    } else if (draft && !posted) {
      if (seen && draft.was && !same(draft.was, stored)) seen.value = draft.seen; // so that the answer says it
      restore(form, draft.typed, () => {
        write(key, (draft = null));
        for (const e of fields(form)) e.value = stored[e.name];
        if (seen) seen.value = seen.defaultValue;
        mark();
      });
    }
    mark();
    form.addEventListener("input", () => {
      mark();
      const now = typed();
      const was = Object.fromEntries(Object.keys(now).map((name) => [name, stored[name]]));
      write(key, changed.has(form) ? { at: Date.now(), typed: now, was, seen: seen?.value } : null);
    });
    form.addEventListener("submit", () => {
      leaving = true;
      const sent = read(key);
      if (sent) write(key, { ...sent, sent: true });
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
  document.addEventListener("submit", (e) => {
    leaving = true;
    // Whoever logs out may leave the browser to others.
    if (e.target.getAttribute("action") === "/logout") for (const key of keys()) write(key, null);
  });
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (e) => {
    if (!leaving && changed.size) e.preventDefault();
  });
})();

// The form of a city's page: sends without loading the page, suggests lines and stops, and
// keeps what was written without net until there is some. Without it the form still works.
(() => {
  "use strict";
  const form = document.getElementById("report");
  if (!form || !window.fetch) return;
  const field = document.getElementById("report-text");
  const said = document.getElementById("report-said");
  const chips = document.getElementById("report-chips");
  const button = form.querySelector("button[type=submit]");
  const texts = form.dataset;

  const HOUR = 3600e3; // what is older is of no use to anybody
  const PATIENCE = 10e3; // how long one sending may take
  const SOON = 5e3, LATE = 300e3; // how long to wait before the next try
  const MOST_CHIPS = 12, MOST_USED = 8, MOST_WAITING = 20;

  // Storage may be switched off, or full: then this page remembers alone, and what the
  // storage has from before does not count.
  const keep = (storage, name, nothing) => {
    name += "/" + texts.city;
    let memory = null;
    return {
      name,
      get() {
        if (memory !== null) return memory;
        try { return JSON.parse(window[storage].getItem(name)) ?? nothing; } catch { return nothing; }
      },
      set(value) {
        try {
          if (value.length) window[storage].setItem(name, JSON.stringify(value));
          else window[storage].removeItem(name);
          memory = null;
        } catch { memory = value; }
      },
    };
  };
  const draft = keep("sessionStorage", "report-draft", "");
  const queue = keep("localStorage", "report-queue", []);
  const used = keep("localStorage", "report-used", []);

  // clock is the time in the city, as the server writes it.
  const clock = (time) => {
    const how = { hour: "2-digit", minute: "2-digit", timeZone: document.getElementById("state")?.dataset.zone || undefined };
    try {
      return new Date(time).toLocaleTimeString("de", how);
    } catch {
      return new Date(time).toTimeString().slice(0, 5); // a browser that does not know the zone
    }
  };
  const at = (text, time) => text.replace("{time}", clock(time));
  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

  const write = (text) => {
    field.value = text;
    draft.set(text);
  };

  // say shows what became of a report in the place of the suggestions, until the next
  // letter is typed.
  const say = (outcome, text, action) => {
    said.dataset.outcome = outcome;
    said.textContent = text;
    chips.hidden = Boolean(text) || !chips.children.length;
    if (action) said.append(" ", action);
  };

  // post sends one report. What comes back is nothing where there is no net, or something
  // between answers instead; { later } where the server takes nothing.
  const post = async (item) => {
    const body = new URLSearchParams({ text: item.text, key: item.key });
    // A clock that is wrong must not make a new report an old one.
    if (Date.now() - item.written > 60e3) body.set("written", Math.floor(item.written / 1000));
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, signal: stop.signal });
      if (response.status >= 500) return { later: true };
      const json = (response.headers.get("Content-Type") || "").startsWith("application/json");
      if (json) return { ...await response.json(), again: response.status === 429 };
      return response.ok ? null : { outcome: "refused", text: texts.failed };
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  };

  const passed = (answer) => ["passed", "known", "received"].includes(answer.outcome);

  // insist is a button that sends what was taken for a question as a report.
  const insist = (text) => {
    const b = document.createElement("button");
    b.type = "button";
    b.className = "button secondary small";
    b.textContent = texts.insist;
    b.addEventListener("click", () => send("! " + text));
    return b;
  };

  // tell shows an answer. What was not passed on stays in the field, or comes back there.
  const tell = (answer, text) => {
    const asked = answer.outcome === "question";
    say(answer.outcome, answer.text, asked ? insist(text) : null);
    if (passed(answer)) remember(text);
    else if (!asked && !field.value) write(text);
  };

  let sending = false;
  const send = async (text) => {
    if (sending) return;
    sending = true;
    button.setAttribute("aria-disabled", "true");
    const item = { key: newKey(), text, written: Date.now() };
    const before = field.value;
    const answer = navigator.onLine === false ? null : await post(item);
    sending = false;
    button.removeAttribute("aria-disabled");
    const same = field.value === before; // or more was typed meanwhile
    if (!answer || answer.later) {
      if (same) write("");
      enqueue(item);
      say("waiting", at(answer ? texts.later : texts.noNet, item.written));
      return;
    }
    if (same && (passed(answer) || answer.outcome === "question")) write("");
    tell(answer, text);
  };

  // What waits to be sent. The key makes one report of what two tabs send.
  let timer = 0, pause = SOON;
  const plan = () => {
    clearTimeout(timer);
    if (!queue.get().length) {
      pause = SOON;
      return;
    }
    timer = setTimeout(flush, pause);
    pause = Math.min(pause * 2, LATE);
  };
  const enqueue = (item) => {
    queue.set([...queue.get(), item].slice(-MOST_WAITING));
    showWaiting();
    plan();
  };
  const dequeue = (key) => {
    queue.set(queue.get().filter((it) => it.key !== key));
    showWaiting();
  };

  let flushing = false;
  const flush = async () => {
    if (flushing) return;
    flushing = true;
    const locks = navigator.locks;
    try {
      if (locks) await locks.request(queue.name, { ifAvailable: true }, (lock) => lock && sendWaiting());
      else await sendWaiting();
    } finally {
      flushing = false;
      plan();
    }
  };
  const sendWaiting = async () => {
    for (const item of queue.get()) {
      if (Date.now() - item.written > HOUR) {
        dequeue(item.key);
        say("refused", texts.dropped.replace("{text}", () => item.text));
        continue;
      }
      const answer = await post(item);
      if (!answer || answer.later || answer.again) return;
      pause = SOON;
      if (!queue.get().some((it) => it.key === item.key)) continue; // taken back meanwhile
      dequeue(item.key);
      tell(answer, item.text);
    }
  };

  // The reports that wait stand where those will that are sent.
  const waiting = document.createElement("ul");
  waiting.className = "report-waiting";
  const list = document.getElementById("reports");
  if (list) list.before(waiting);
  else form.after(waiting);
  const showWaiting = () => {
    waiting.replaceChildren(...queue.get().map((item) => {
      const li = document.createElement("li"), text = document.createElement("p"), facts = document.createElement("p");
      const drop = document.createElement("button");
      text.className = "report-text";
      text.dir = "auto";
      text.textContent = item.text;
      facts.className = "report-facts";
      facts.textContent = at(texts.waiting, item.written);
      drop.type = "button";
      drop.className = "button secondary small";
      drop.textContent = texts.drop;
      drop.addEventListener("click", () => {
        dequeue(item.key);
        field.focus();
      });
      li.append(text, facts, drop);
      return li;
    }));
  };

  // Suggestions: the lines and stops of the city.
  let places = []; // { name, color, stops }
  const fold = (s) => s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ß/g, "ss").replace(/[-–/.,]+/g, " ").replace(/\s+/g, " ");
  const unique = (names) => [...new Set(names.filter(Boolean))];
  const shownLines = () => unique([...document.querySelectorAll("#reports [data-lines]")].flatMap((e) => e.dataset.lines.split("|")));
  const lines = () => unique([...places.map((l) => l.name), ...shownLines()]);
  const names = () => unique([...lines(), ...places.flatMap((l) => l.stops)]);
  const folded = new Map(); // names, of which there may be thousands
  const foldName = (name) => {
    if (!folded.has(name)) folded.set(name, fold(name).trim());
    return folded.get(name);
  };
  // naming returns what tells whether a text names a place.
  const naming = (text) => {
    const words = " " + fold(text) + " ";
    return (name) => words.includes(" " + foldName(name) + " ");
  };

  // begun returns the last words of a text, so many of them, as far as somebody is at them.
  const begun = (text, words) => {
    const found = text.match(new RegExp(`(?:\\S+\\s+){${words - 1}}\\S+$`));
    return found ? found[0] : "";
  };

  // suggestions returns the names that fit what is being typed, and what they replace of it.
  const suggestions = (text) => {
    const named = naming(text), line = places.find((l) => l.name && named(l.name));
    const near = unique([...(line ? line.stops : []), ...used.get(), ...lines()]);
    if (!begun(text, 1)) return { fit: near.filter((n) => !named(n)), replaces: "" };
    const all = unique([...near, ...names()]);
    for (const words of [3, 2, 1]) {
      const replaces = begun(text, words), typed = fold(replaces);
      if (!typed.trim()) continue;
      const first = all.filter((n) => foldName(n).startsWith(typed));
      const inner = words > 1 ? [] : all.filter((n) => foldName(n).includes(" " + typed));
      if (first.length + inner.length) return { fit: unique([...first, ...inner]), replaces };
    }
    return { fit: [], replaces: "" };
  };

  const showChips = () => {
    const { fit, replaces } = suggestions(field.value);
    chips.replaceChildren(...fit.slice(0, MOST_CHIPS).map((name, i) => {
      const b = document.createElement("button");
      b.type = "button";
      b.className = "chip";
      b.dir = "auto";
      b.textContent = name;
      b.tabIndex = i ? -1 : 0;
      b.addEventListener("click", (e) => {
        const text = field.value.slice(0, field.value.length - replaces.length);
        write(text + (text && !/\s$/.test(text) ? " " : "") + name + " ");
        if (!e.detail) field.focus(); // by the keyboard: on a phone that of the screen would come
        showChips();
      });
      return b;
    }));
    chips.scrollLeft = 0;
    chips.hidden = Boolean(said.textContent) || !fit.length;
  };

  // One stop of the tab key for all of them; arrows go on from there.
  const move = (e) => {
    const all = [...chips.children], i = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key] * (document.dir === "rtl" ? -1 : 1);
    const to = { Home: 0, End: all.length - 1 }[e.key] ?? (i + step + all.length) % all.length;
    if (e.key === "ArrowDown" || e.key === "Escape") field.focus();
    else if (all[to]) {
      all.forEach((b, at) => { b.tabIndex = at === to ? 0 : -1; });
      all[to].focus();
    } else return;
    e.preventDefault();
  };

  // remember keeps which places a report named: their names, and nothing else of it.
  const remember = (text) => {
    const found = names().filter(naming(text));
    if (found.length) used.set(unique([...found, ...used.get()]).slice(0, MOST_USED));
  };

  let asked = false;
  const loadPlaces = async () => {
    if (asked) return;
    asked = true;
    try {
      const response = await fetch(texts.places);
      places = (await response.json()).lines;
      showChips();
    } catch {
      asked = false; // without net; the next time perhaps
    }
  };

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const text = field.value.trim();
    if (text) send(text);
    else field.focus();
  });
  field.addEventListener("input", () => {
    draft.set(field.value);
    if (said.textContent) say("", "");
    showChips();
  });
  field.addEventListener("focus", loadPlaces);
  field.addEventListener("keydown", (e) => {
    if (e.key !== "ArrowUp" || !chips.children.length || chips.hidden) return;
    chips.querySelector("[tabindex='0']").focus();
    e.preventDefault();
  });
  chips.addEventListener("keydown", move);
  window.addEventListener("online", flush);
  window.addEventListener("storage", (e) => {
    if (e.key === queue.name) showWaiting();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && queue.get().length) flush();
  });

  // The page leaves room for the form where it stands at the bottom of the screen.
  const here = document.getElementById("report-here");
  if (here && window.ResizeObserver) {
    new ResizeObserver(() => document.documentElement.style.setProperty("--report-height", here.offsetHeight + "px")).observe(here);
  }

  // A stop that was chosen elsewhere comes in the address.
  const address = new URL(location.href), chosen = address.searchParams.get("text");
  if (chosen) {
    address.searchParams.delete("text");
    address.hash = ""; // to go there would take the focus away
    history.replaceState(history.state, "", address);
    write(chosen.slice(0, field.maxLength).trim() + " ");
    field.focus();
  } else if (!field.value) field.value = draft.get();
  showWaiting();
  showChips();
  if (queue.get().length) flush();
})();

// Keeps a city's page up to date. Without it the page still works, but shows the reports
// of the time when it was opened.
(() => {
  "use strict";
  const list = document.getElementById("reports");
  const state = document.getElementById("state");
  if (!list || !state) return;
  const find = (id) => document.getElementById(id);
  const recent = find("recent"), older = find("older-list"), fold = find("older"), empty = find("no-reports");
  const texts = state.dataset;
  const minute = 60e3;

  // ---- Times ----
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  // The server writes times in every language as German does.
  const hourOf = (t) => {
    const how = { hour: "2-digit", minute: "2-digit", timeZone: texts.zone || undefined };
    try {
      return new Date(t).toLocaleTimeString("de", how);
    } catch {
      return new Date(t).toTimeString().slice(0, 5); // a browser that does not know the zone
    }
  };
  const writtenAt = (item) => Date.parse(item.querySelector("time").dateTime);
  const minutesOld = (item) => Math.floor((Date.now() - writtenAt(item)) / minute);
  const ageOf = (minutes) =>
    minutes < 1 ? texts.now : fill(minutes < 60 ? texts.minutes : texts.hours, { n: minutes < 60 ? minutes : Math.floor(minutes / 60) });

  // ---- One line or all: kept on this phone ----
  const row = find("lines");
  const key = "line:" + list.dataset.city;
  let line = list.dataset.line;
  const remember = () => {
    try {
      localStorage.setItem(key, line);
    } catch {
      // The browser keeps nothing: then it is for this visit.
    }
  };
  const recall = () => {
    try {
      return localStorage.getItem(key) || "";
    } catch {
      return "";
    }
  };
  const links = row ? [...row.querySelectorAll("a[data-line]")] : [];
  const linesOf = (item) => (item.dataset.lines || "").split("|");
  const wanted = (item) => !line || linesOf(item).includes(line);
  if (!line && links.some((a) => a.dataset.line === recall())) line = recall();

  row?.addEventListener("click", (e) => {
    const link = e.target.closest("a[data-line]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    line = link.dataset.line;
    remember();
    history.replaceState(history.state, "", link.href);
    refresh();
  });

  // ---- What is shown, as time goes by ----
  const all = () => [...list.querySelectorAll(".report")];
  const put = (into, text) => {
    if (into.textContent !== text) into.textContent = text;
  };

  const refreshItem = (item) => {
    const minutes = minutesOld(item);
    put(item.querySelector("time"), ageOf(minutes));
    item.classList.toggle("faded", minutes >= 30);
    item.hidden = !wanted(item);
    const home = minutes < 60 ? recent : older;
    if (item.parentElement !== home) insert(item, home);
  };

  // insert puts an item where its time has it: newest first.
  const insert = (item, home) => {
    const at = writtenAt(item);
    home.insertBefore(item, [...home.children].find((other) => other !== item && writtenAt(other) <= at) || null);
  };

  const refreshCounts = (items) => {
    const open = items.filter((i) => i.parentElement === recent && !i.matches(".clear, .answered"));
    for (const link of links) {
      const name = link.dataset.line;
      if (name === line) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      const count = name && open.filter((i) => linesOf(i).includes(name)).length;
      if (name) put(link.querySelector(".count"), count ? String(count) : "");
    }
  };

  const refresh = () => {
    const items = all();
    items.forEach(refreshItem);
    refreshCounts(items);
    const shown = items.filter((i) => !i.hidden);
    const folded = shown.filter((i) => i.parentElement === older);
    put(find("older-count"), String(folded.length));
    fold.hidden = !folded.length;
    empty.hidden = shown.length > 0;
    if (!empty.hidden && !(list.dataset.line && line === list.dataset.line)) {
      put(empty, line ? fill(empty.dataset.noneOnLine, { line }) : empty.dataset.none);
    }
    const newest = shown.find((i) => i.parentElement === recent);
    state.classList.toggle("quiet", !newest);
    const minutes = newest && minutesOld(newest);
    put(find("state-news"), !newest ? texts.quiet : minutes < 1 ? texts.newestNow : fill(texts.newest, { age: ageOf(minutes) }));
  };

  // ---- Changes ----
  // The HTML is made by the server, which has escaped what people wrote.
  const read = (html) => {
    const box = document.createElement("template");
    box.innerHTML = html;
    return [...box.content.children];
  };

  // patch puts an item in, or in the place of what was shown of it. It returns the item
  // if it is new.
  const patch = (item) => {
    const old = find(item.id);
    if (old) {
      if (old.dataset.look !== item.dataset.look) old.replaceWith(item);
      return [];
    }
    insert(item, minutesOld(item) < 60 ? recent : older);
    return [item];
  };

  // change keeps what somebody reads where it is on the screen.
  const change = (how) => {
    const mark = all().find((i) => i.getBoundingClientRect().bottom > 0);
    const top = mark?.getBoundingClientRect().top;
    const scrolled = scrollY > recent.offsetTop;
    const fresh = how();
    refresh();
    if (scrolled && mark?.isConnected) scrollBy({ top: mark.getBoundingClientRect().top - top, behavior: "instant" });
    announce(fresh.filter((i) => !i.hidden && i.parentElement === recent));
  };

  // announce has screen readers say what is new, and nothing else.
  const announce = (fresh) => {
    fresh.forEach((i) => i.classList.add("fresh"));
    const say = fresh.slice(0, 3).map((i) => (i.querySelector(".read") || i.querySelector(".report-text")).textContent.trim());
    if (say.length) find("news").textContent = say.join("; ");
  };

  const events = {
    report: (html) => change(() => read(html).flatMap(patch)),
    removed: (id) => change(() => (find("report-" + id)?.remove(), [])),
    list: (html) =>
      change(() => {
        const items = read(html);
        const ids = new Set(items.map((i) => i.id));
        all().filter((i) => !ids.has(i.id)).forEach((i) => i.remove());
        return items.reverse().flatMap(patch);
      }),
    version: (_, id) => (version = id),
    beat: () => {},
  };

  // ---- The stream ----
  let version = list.dataset.version;

  const showNet = ({ live, asked, since, asOf }) => {
    const net = find("state-net");
    const text = live ? texts.live : since ? texts.offline : asked ? "" : texts.asOf;
    put(net, fill(text, { since: hourOf(since), asof: hourOf(asOf) }));
    net.hidden = !text;
    state.classList.toggle("live", live);
    state.classList.toggle("offline", !live && since > 0);
  };
  setInterval(() => document.hidden || refresh(), 5e3);

  // ---- The rest of the page ----
  const share = document.querySelector("#share button");
  if (share && (navigator.share || navigator.clipboard)) {
    share.parentElement.hidden = false;
    share.addEventListener("click", async () => {
      const { title, url, copied } = share.dataset;
      try {
        if (navigator.share) await navigator.share({ title, url });
        else {
          await navigator.clipboard.writeText(url);
          share.textContent = copied;
        }
      } catch {
        // Whoever was asked has thought better of it.
      }
    });
  }
  for (const menu of document.querySelectorAll("header details")) {
    document.addEventListener("click", (e) => menu.contains(e.target) || (menu.open = false));
    menu.addEventListener("keydown", (e) => {
      if (e.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
  const target = location.hash.startsWith("#report-") && find(location.hash.slice(1));
  if (target && older.contains(target)) {
    fold.open = true;
    target.scrollIntoView();
  }
  let wasOpen;
  window.addEventListener("beforeprint", () => ([wasOpen, fold.open] = [fold.open, true]));
  window.addEventListener("afterprint", () => (fold.open = wasOpen));

  refresh();
  row?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  followCity({ address: () => list.dataset.live + "&v=" + encodeURIComponent(version), events, tell: showNet, awake: refresh });
})();

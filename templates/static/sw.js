// The service worker of the city pages: it shows notifications, and the last list where
// there is no net. The server puts what it needs to know into self.site before it.
"use strict";
const site = self.site;
const shell = "shell-" + site.build; // of this build
const pages = "pages-1"; // the last that were read
const files = "files-1"; // of all builds that pages are of
const follow = "follow-1"; // what the phone follows: see push.js

const patience = 3000; // for the net, in milliseconds, where there is a copy
const mostPages = 40;
const mostCities = 5;
const mostFiles = 60;

addEventListener("install", (e) => {
  e.waitUntil(caches.open(shell).then((c) => c.addAll(site.shell)).then(() => skipWaiting()));
});

addEventListener("activate", (e) => {
  const old = (name) => /^(shell|pages|files)-/.test(name) && ![shell, pages, files].includes(name);
  const tidy = async () => Promise.all((await caches.keys()).filter(old).map((name) => caches.delete(name)));
  e.waitUntil(tidy().then(() => clients.claim()));
});

// Only these are kept: the city, its lines and its places.
const isKept = (url) => /^\/city\/[^/]+(\/lines|\/places\.json)?\/?$/.test(url.pathname);
const cityOf = (address) => new URL(address).pathname.split("/")[2];

addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) return e.respondWith(fromCache(e));
  if (isKept(url)) return e.respondWith(fromNet(e));
  if (e.request.mode === "navigate") e.respondWith(fetch(e.request).catch(() => offline()));
});

const any = { ignoreVary: true };

async function fromCache(e) {
  const found = (await (await caches.open(files)).match(e.request, any)) || (await (await caches.open(shell)).match(e.request, any));
  if (found) return found;
  const answer = await fetch(e.request);
  if (answer.ok && (answer.headers.get("Cache-Control") || "").includes("immutable")) {
    e.waitUntil(keep(files, e.request, answer.clone()));
  }
  return answer;
}

async function fromNet(e) {
  const copy = await copyOf(e.request);
  const fresh = fetch(e.request).then((answer) => {
    if (answer.ok && answer.type === "basic" && !answer.redirected) e.waitUntil(keep(pages, e.request, answer.clone()));
    if (answer.status === 404) e.waitUntil(caches.open(pages).then((c) => c.delete(e.request, any)));
    return answer;
  });
  if (!copy) return fresh.catch(() => (e.request.mode === "navigate" ? offline() : Response.error()));
  const soon = new Promise((resolve) => setTimeout(() => resolve(copy), patience));
  return Promise.race([fresh.then((answer) => (answer.status >= 500 ? copy : answer)).catch(() => copy), soon]);
}

async function copyOf(request) {
  const cache = await caches.open(pages);
  return (await cache.match(request, any)) || cache.match(request, { ignoreVary: true, ignoreSearch: true });
}

const isOffline = (request) => new URL(request.url).pathname === site.offline;

async function offline() {
  const cache = await caches.open(shell);
  const kept = (await cache.keys()).find(isOffline);
  return (kept && (await cache.match(kept, any))) || Response.error();
}

// A page says in which language it is read. The one for where there is no net is kept in it.
addEventListener("message", (e) => {
  if (/^[a-z]{2}$/.test(e.data && e.data.lang)) e.waitUntil(speak(site.offline + "?lang=" + e.data.lang).catch(() => {}));
});

async function speak(page) {
  const cache = await caches.open(shell);
  if (await cache.match(page, any)) return;
  const answer = await fetch(page);
  if (!answer.ok) return;
  for (const former of (await cache.keys()).filter(isOffline)) await cache.delete(former, any);
  await cache.put(page, answer);
}

// What is over the bounds goes, the oldest first. Where there is no room, nothing is kept.
async function keep(name, request, answer) {
  const cache = await caches.open(name);
  try {
    await cache.put(request, answer);
  } catch {
    return;
  }
  const keys = (await cache.keys()).reverse();
  const cities = new Set();
  for (const [i, key] of keys.entries()) {
    if (name === pages) cities.add(cityOf(key.url));
    if (i >= (name === pages ? mostPages : mostFiles) || (cities.size > mostCities && cityOf(key.url) === [...cities].pop())) {
      await cache.delete(key, any);
    }
  }
}

// Messages come one by one, also those that arrive together.
let turn = Promise.resolve();
const inTurn = (what) => (turn = turn.then(what, what));

addEventListener("push", (e) => {
  let m = {};
  try {
    m = e.data.json();
  } catch {
    // Browsers want something to be shown all the same.
  }
  e.waitUntil(inTurn(() => (m.close ? takeBack(m) : tell(m))));
});

// Never more than one in this time, in milliseconds: what comes then joins the one that is shown.
const calm = 20000;
const mostLines = 4; // of what came together

const shown = async (city) => (await registration.getNotifications()).filter((n) => n.data && n.data.city === city);

async function tell(m) {
  const item = { id: m.tag, title: m.title || site.name, body: m.body || "", url: m.url || "/", at: m.at || Date.now(),
    lang: m.lang || "", line: m.line || "", stop: m.stop || "", toward: m.toward || "", lines: m.lines || [] };
  let all = await shown(m.city);
  if (m.clear) {
    for (const n of all) await leaveOnly(n, n.data.items.filter((i) => !answers(m, i)));
    all = await shown(m.city);
  }
  const now = Date.now();
  const known = all.find((n) => n.data.items.some((i) => i.id === item.id));
  const lately = (time) => Math.abs(now - time) < calm;
  const recent = known || all.find((n) => lately(n.data.began));
  if (recent) {
    const items = recent.data.items.filter((i) => i.id !== item.id).concat(item);
    return present(recent.tag, Object.assign({}, recent.data, { items, counts: counts(m) }), true);
  }
  // The phone has just alerted for another city: this one is shown beside it, silently.
  const quietly = (await registration.getNotifications()).some((n) => n.data && lately(n.data.alerted));
  return present(m.tag, { city: m.city, began: now, alerted: quietly ? 0 : now, items: [item], counts: counts(m) }, quietly);
}

const counts = (m) => ({ all: m.many || [], line: m.manyLine || [], of: m.line || "" });

// An all-clear answers what is about the same stop, or the same lines where it names none.
function answers(clear, item) {
  if (clear.toward && item.toward && clear.toward !== item.toward) return false;
  const lines = clear.lines || [];
  const same = item.lines.length > 0 && item.lines.every((l) => lines.includes(l));
  if (!clear.stop) return same;
  return clear.stop === item.stop && (!clear.line || !item.line || same);
}

async function takeBack(m) {
  const all = (await shown(m.city)).filter((n) => n.data.items.some((i) => i.id === m.close));
  for (const n of all) {
    const rest = n.data.items.filter((i) => i.id !== m.close);
    if (rest.length > 0) return leaveOnly(n, rest);
  }
  // Some browsers end a subscription whose messages show nothing.
  const tag = all.length > 0 ? all[0].tag : m.close;
  await registration.showNotification(m.title || site.name, { tag, lang: m.lang || "", dir: "auto", silent: true, icon: site.icon, badge: site.badge,
    data: { city: m.city, alerted: 0, items: [], over: true } });
  for (const n of await registration.getNotifications({ tag })) n.close();
}

// Leaves of a notification what is not over.
async function leaveOnly(n, items) {
  if (items.length === n.data.items.length) return;
  if (items.length === 0) return n.close();
  return present(n.tag, Object.assign({}, n.data, { items }), true);
}

// Shows a report, or how many there are.
async function present(tag, data, quietly) {
  const last = data.items[data.items.length - 1];
  const several = data.items.length > 1;
  const together = data.items.every((i) => i.line && i.line === data.counts.of) ? data.counts.line : data.counts.all;
  const title = several ? together[data.items.length - 2] || last.title : last.title;
  const lines = data.items.slice(-mostLines).reverse().map((i) => i.title + (i.body ? ": " + i.body : ""));
  return registration.showNotification(title, {
    tag, data, body: several ? lines.join("\n") : last.body, lang: last.lang, dir: "auto", timestamp: last.at,
    icon: site.icon, badge: site.badge, silent: quietly, renotify: false,
  });
}

addEventListener("notificationclick", (e) => {
  e.notification.close();
  const { city, items } = e.notification.data || { items: [] };
  e.waitUntil(open(items.length === 1 ? items[0].url : city ? "/city/" + city : "/"));
});

async function open(path) {
  const url = new URL(path, location.origin);
  const all = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = all.find((c) => new URL(c.url).pathname === url.pathname);
  if (!there) return clients.openWindow(url.href);
  await there.focus();
  return there.navigate(url.href).catch(() => clients.openWindow(url.href));
}

// The browser has a new subscription: all cities that the phone follows are told.
addEventListener("pushsubscriptionchange", (e) => {
  e.waitUntil(renew(e.oldSubscription, e.newSubscription));
});

async function renew(before, subscription) {
  const cache = await caches.open(follow);
  for (const request of await cache.keys()) {
    const path = new URL(request.url).pathname;
    const wanted = await (await cache.match(request)).json();
    if (!subscription) {
      const key = Uint8Array.from(atob(wanted.key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
      subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    }
    await post(path, Object.assign(subscription.toJSON(), wanted));
    if (before && before.endpoint !== subscription.endpoint) await post(path + "/remove", { endpoint: before.endpoint });
  }
}

const post = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

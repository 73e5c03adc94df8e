// The page on which a phone follows a city: see bots/web. What the phone follows is kept
// in a cache, where the service worker finds it too.
(() => {
  "use strict";
  const box = document.getElementById("phone");
  const form = document.getElementById("follow-form");
  if (!box || !form) return;
  const state = document.getElementById("follow-state");
  const start = document.getElementById("follow-start");
  const save = document.getElementById("follow-save");
  const end = document.getElementById("follow-end");
  const path = "/city/" + box.dataset.city + "/web/push";

  const say = (name, good, text) => {
    state.textContent = text || state.dataset[name];
    state.className = "flash" + (good ? " success" : "");
    state.hidden = false;
  };

  const show = (following) => {
    form.hidden = false;
    start.hidden = following;
    save.hidden = end.hidden = !following;
  };

  // What the browser subscribes with is bytes; some want them as such.
  const key = () => {
    const text = box.dataset.key.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  };
  const sameKey = (subscription) => {
    const own = subscription.options && subscription.options.applicationServerKey;
    return !own || new Uint8Array(own).join() === key().join();
  };

  const wishes = () => {
    const wanted = { lines: [], language: box.dataset.language, key: box.dataset.key };
    for (const line of form.querySelectorAll("[name=line]:checked")) wanted.lines.push(line.value);
    if (form.elements.quiet.checked) {
      wanted.quiet = { from: +form.elements.from.value, to: +form.elements.to.value };
    }
    return wanted;
  };
  const fill = (wanted) => {
    for (const line of form.querySelectorAll("[name=line]")) line.checked = (wanted.lines || []).includes(line.value);
    form.elements.quiet.checked = !!wanted.quiet;
    if (wanted.quiet) {
      form.elements.from.value = wanted.quiet.from;
      form.elements.to.value = wanted.quiet.to;
    }
  };

  const kept = () => caches.open("follow-1");
  const load = async () => {
    const found = await (await kept()).match(path);
    return found && found.json();
  };
  const keep = async (wanted) => (await kept()).put(path, new Response(JSON.stringify(wanted)));
  const forget = async () => {
    await (await kept()).delete(path);
    return (await (await kept()).keys()).length === 0;
  };

  const tell = async (method, body) => {
    const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.ok) return;
    const wrong = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(), { says: wrong.error });
  };
  const post = async (subscription, wanted) => {
    await tell("POST", Object.assign(subscription.toJSON(), wanted));
    await keep(wanted);
  };

  const worker = async () => {
    await navigator.serviceWorker.register("/sw.js", { scope: "/city/" });
    return navigator.serviceWorker.ready;
  };
  const subscribe = async () => {
    const manager = (await worker()).pushManager;
    let subscription = await manager.getSubscription();
    if (subscription && !sameKey(subscription)) {
      await subscription.unsubscribe();
      subscription = null;
    }
    return subscription || manager.subscribe({ userVisibleOnly: true, applicationServerKey: key() });
  };

  const busy = (on) => {
    for (const button of [start, save, end]) button.disabled = on;
  };
  const act = async (what) => {
    busy(true);
    try {
      await what();
    } catch (e) {
      if (Notification.permission === "denied") say("denied");
      else say("failed", false, e.says);
    }
    busy(false);
    state.focus();
  };

  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const name = start.hidden ? "saved" : "following";
    act(async () => {
      if ((await Notification.requestPermission()) !== "granted") return say("denied");
      await post(await subscribe(), wishes());
      show(true);
      say(name, true);
    });
  });
  end.addEventListener("click", () => act(async () => {
    const subscription = await (await worker()).pushManager.getSubscription();
    if (subscription) await tell("DELETE", { endpoint: subscription.endpoint });
    // One subscription serves all cities that the phone follows.
    if ((await forget()) && subscription) await subscription.unsubscribe();
    show(false);
    say("ended", true);
  }));

  const isApple = /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  const begin = async () => {
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window && "caches" in window)) {
      return say(isApple ? "iphone" : "unsupported");
    }
    const wanted = await load().catch(() => null);
    if (wanted) fill(wanted);
    if (Notification.permission === "denied") return say("denied");
    const subscription = wanted && (await (await worker()).pushManager.getSubscription());
    show(!!subscription);
    if (!subscription) return;
    say("following", true);
    // A subscription that was lost on either side comes back when the page is opened.
    await post(await subscribe(), wanted).catch(() => {});
  };
  begin().catch(() => show(false));
})();

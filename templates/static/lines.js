// Keeps the strips of lines up to date: when the stream of the city says that something
// has changed, and once a minute, since reports fade. What is shown is made by the server.
(() => {
  "use strict";
  const box = document.getElementById("strips");
  if (!box || !window.EventSource) return;
  let version = box.dataset.version;
  let soon;

  // patch puts in what is new, and leaves the rest with its folds and its focus.
  const keyOf = (part) => part.dataset.line || part.id;
  const patch = (fresh) => {
    const known = new Map([...box.children].map((part) => [keyOf(part), part]));
    let at = box.firstElementChild;
    for (const part of [...fresh.children]) {
      const old = known.get(keyOf(part));
      if (old && old.dataset.look && old.dataset.look === part.dataset.look) {
        if (old === at) at = at.nextElementSibling;
        else box.insertBefore(old, at);
        continue;
      }
      const held = old && old.contains(document.activeElement) && document.activeElement.getAttribute("href");
      if (old === at) at = at.nextElementSibling;
      old?.remove();
      if (old?.open) part.open = true;
      box.insertBefore(part, at);
      if (held) [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === held)?.focus();
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      gone.remove();
    }
  };

  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("strips");
      if (!fresh) return;
      version = fresh.dataset.version;
      patch(fresh);
    } catch {
      // There is no net. What is shown stays until there is.
    }
  };
  const changed = () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, 200);
  };

  setInterval(refresh, 60e3);
  followCity({
    address: () => box.dataset.live + "&v=" + encodeURIComponent(version),
    events: { report: changed, removed: changed, list: changed, version: () => {}, beat: () => {} },
    awake: changed,
  });
})();

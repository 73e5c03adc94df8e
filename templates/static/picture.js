// Keeps the picture of the way of a report up to date: reports run through it as they
// happen. Without it the picture shows how it was when the page was opened.
(() => {
  "use strict";
  const picture = document.getElementById("picture");
  if (!picture || !window.EventSource) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const box = (key) => picture.querySelector(`[data-box="${CSS.escape(key)}"]`);

  // middle returns where the middle of a box is within the picture.
  const middle = (el) => {
    const b = el.getBoundingClientRect(), p = picture.getBoundingClientRect();
    return { x: b.left - p.left + b.width / 2, y: b.top - p.top + b.height / 2 };
  };

  // go has a dot run from one box to another.
  const go = async (from, to) => {
    if (!from || !to) return;
    const dot = document.createElement("span");
    dot.className = "picture-run";
    picture.append(dot);
    const [a, b] = [middle(from), middle(to)];
    const at = (p) => `translate(${p.x}px, ${p.y}px)`;
    await dot.animate([{ transform: at(a) }, { transform: at(b) }], { duration: 700, easing: "ease-in-out" }).finished.catch(() => {});
    dot.remove();
  };

  const run = async ({ from, to }) => {
    if (still.matches || document.hidden) return;
    await Promise.all(from.map((key) => go(box(key), box("rules"))));
    await Promise.all((to || []).map((key) => go(box("rules"), box(key))));
  };

  const show = (html) => {
    const open = picture.querySelector("details")?.open;
    const focused = picture.contains(document.activeElement) && document.activeElement.dataset.box;
    picture.innerHTML = html;
    if (open) picture.querySelector("details").open = true;
    if (focused) box(focused)?.focus({ preventScroll: true });
  };

  const stale = document.getElementById("stale");
  const clock = (ms) => new Date(ms).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });

  followCity({
    address: () => picture.dataset.live,
    tell: ({ since, asOf }) => {
      stale.textContent = since ? stale.dataset.text.replace("{time}", clock(asOf)) : "";
    },
    events: { run: (data) => run(JSON.parse(data)), picture: show, beat: () => {} },
  });
})();

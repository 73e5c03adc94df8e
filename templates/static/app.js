// Makes the page of a city an app: it works without the net, and can be installed.
(() => {
  "use strict";
  // The first page was there before the worker: it is given to it to keep.
  const handOver = () => {
    const parts = document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]");
    for (const url of [location.href, ...[...parts].map((e) => e.href || e.src)]) fetch(url).catch(() => {});
  };
  if ("serviceWorker" in navigator) {
    const worker = navigator.serviceWorker;
    if (!worker.controller) worker.addEventListener("controllerchange", handOver, { once: true });
    addEventListener("load", () => worker.register("/sw.js", { scope: "/city/" }).catch(() => {}));
    worker.ready.then((r) => r.active.postMessage({ lang: document.documentElement.lang }));
  }
  const item = document.getElementById("install");
  const hint = document.getElementById("install-hint");
  const installed = navigator.standalone || matchMedia("(display-mode: standalone)").matches;
  if (!item || installed) return;
  const isApple = /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  hint.hidden = !isApple;
  let offer = null;
  addEventListener("beforeinstallprompt", (e) => {
    e.preventDefault();
    offer = e;
    item.hidden = false;
  });
  item.querySelector("button").addEventListener("click", () => {
    if (offer) offer.prompt();
  });
  addEventListener("appinstalled", () => (item.hidden = true));
})();

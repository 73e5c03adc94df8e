// Keeps the list of reports on a city's page up to date. Without it the page
// still works, but shows only the reports of the time when it was opened.
(() => {
  "use strict";
  const list = document.getElementById("reports");
  const empty = document.getElementById("no-reports");
  if (!list || !window.EventSource) return;

  const showEmpty = () => {
    if (empty) empty.hidden = list.children.length > 0;
  };
  const find = (id) => document.getElementById("report-" + id);
  const stream = new EventSource(list.dataset.live);

  // The HTML is made by the server, which has escaped what people wrote.
  stream.addEventListener("report", (e) => {
    const box = document.createElement("template");
    box.innerHTML = e.data;
    const item = box.content.firstElementChild;
    if (!item || document.getElementById(item.id)) return;
    item.classList.add("fresh");
    list.prepend(item);
    showEmpty();
  });
  stream.addEventListener("removed", (e) => {
    const item = find(e.data);
    if (item) item.remove();
    showEmpty();
  });
  stream.addEventListener("list", (e) => {
    list.innerHTML = e.data;
    showEmpty();
  });
  // A page that the browser keeps for its back button must not hold a stream
  // open. When it is shown again, it is as old as when it was left.
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (e) => {
    if (e.persisted) location.reload();
  });
})();

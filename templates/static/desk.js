// What the pages of moderators need from a browser.
(() => {
  "use strict";
  const menu = document.querySelector(".settings-nav");
  if (!menu) return;

  // All of the settings stood on one page once: links that name a part of it lead on.
  const part = location.hash.slice(1);
  if (part && !document.getElementById(part)) {
    for (const link of menu.querySelectorAll("[data-parts]")) {
      const parts = link.dataset.parts.split(" ");
      if (parts.includes(part) || parts.includes("networks") && part.startsWith("network-")) {
        location.replace(link.pathname + location.hash);
        return;
      }
    }
  }

  // The menu is a row that scrolls on a phone.
  const here = menu.querySelector("[aria-current]");
  if (here) menu.scrollLeft = here.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;
})();

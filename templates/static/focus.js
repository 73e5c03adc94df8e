// Puts the focus where something is wrong with a form. Browsers do it by themselves, but
// not where the address leads to a part of the page.
(() => {
  "use strict";
  const wrong = document.querySelector("[autofocus]");
  if (wrong && location.hash) wrong.focus();
})();

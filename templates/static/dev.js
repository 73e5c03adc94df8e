// For developers: loads the page again when the site is another one than the page shows.
(function () {
  "use strict";
  var mine = document.currentScript.dataset.version;
  new EventSource("/dev/reload").addEventListener("version", function (event) {
    if (event.data !== mine) location.reload();
  });
})();

// Tells the time zone of the browser to the form of a new city, and offers the names of
// zones where one is asked for.
(() => {
  "use strict";
  const field = document.getElementById("zone");
  if (!field || !window.Intl) return;

  if (field.type === "hidden") {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    return;
  }
  if (!field.list || !Intl.supportedValuesOf) return;
  for (const name of Intl.supportedValuesOf("timeZone")) {
    field.list.append(new Option("", name));
  }
})();

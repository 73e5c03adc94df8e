// Shows, while the name of a city is typed, the address that it would get.
(() => {
  "use strict";
  const input = document.getElementById("city");
  const output = document.getElementById("city-address");
  if (!input || !output || !window.fetch) return;

  let wait;
  let last = 0;
  const ask = async () => {
    const mine = ++last;
    try {
      const answer = await fetch(output.dataset.ask + "?city=" + encodeURIComponent(input.value));
      const text = await answer.text();
      if (answer.ok && mine === last) output.textContent = text.trim();
    } catch {
      // Not reachable just now: the form says what is wrong when it is sent.
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(ask, 250);
  });
})();

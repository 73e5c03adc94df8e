"use strict";

// followCity keeps a page's stream of changes of its city open while somebody may look.
//   address()            returns where the stream is, from what the page shows now
//   events               what is done with each kind of event: f(data, id)
//   tell({live, asked, since, asOf})
//                        is told how it stands: whether the stream is open, or asked for;
//                        since when it is lost (0: it is not); when it was last heard
//   awake()              is called before the page goes on after nobody has looked
const followCity = ({ address, events, tell = () => {}, awake = () => {} }) => {
  const minute = 60e3;
  const patience = 70e3; // after which silence means that the stream is dead: it beats every 25 s
  const hiddenFor = 30e3; // after which a page that nobody sees lets go of its stream
  let stream, release, wait, leave;
  let failures = 0;
  let began = 0; // when the stream was asked for
  let asOf = Date.now(); // when the page was last known to be right
  let since = 0; // since when it cannot be told; 0: it can

  const show = () => tell({ live: stream?.readyState === EventSource.OPEN, asked: !!stream, since, asOf });

  const close = () => {
    clearTimeout(wait);
    stream?.close();
    release?.();
    stream = release = undefined;
  };

  // silent tells whether the stream says nothing though it should: after a sleep, the
  // browser may not know that it is gone.
  const silent = () => stream && Date.now() - Math.max(asOf, began) > patience;

  const lost = () => {
    if (!stream) return;
    close();
    failures++;
    if (failures > 1 || !navigator.onLine) since ||= Date.now();
    show();
    const pause = Math.min(minute, 1e3 * 2 ** failures);
    wait = setTimeout(open, pause * (0.75 + Math.random() / 2));
  };

  const heard = () => {
    asOf = Date.now();
    failures = since = 0;
    show();
  };

  const open = () => {
    if (stream) return;
    close();
    const mine = (stream = new EventSource(address()));
    began = Date.now();
    mine.onopen = heard;
    mine.onerror = lost;
    for (const [name, how] of Object.entries(events)) {
      mine.addEventListener(name, (e) => {
        how(e.data, e.lastEventId);
        heard();
      });
    }
    hold();
  };

  // hold sees to it that no more than four pages of this browser hold a stream: with
  // HTTP/1.1 it has six connections for all of them. Where there are more, one of the
  // others lets go, and asks again in a minute.
  const hold = async () => {
    const mine = stream;
    if (!navigator.locks) return;
    const slot = (n) => "ticketfrei-stream-" + n;
    const taken = new Set((await navigator.locks.query()).held.map((l) => l.name));
    const free = [0, 1, 2, 3].filter((n) => !taken.has(slot(n)));
    const from = free.length ? free : [0, 1, 2, 3];
    const name = slot(from[Math.floor(Math.random() * from.length)]);
    if (stream !== mine) return;
    navigator.locks
      .request(name, { steal: true }, () => new Promise((done) => (stream === mine ? (release = done) : done())))
      .catch(() => {
        if (stream !== mine) return;
        close();
        show();
        wait = setTimeout(open, minute);
      });
  };

  // wake is called when somebody may look again. A page that was frozen looks at once what
  // it has missed, even if nobody sees it yet.
  const wake = (e) => {
    clearTimeout(leave);
    if (document.hidden) leave = setTimeout(() => (close(), show()), hiddenFor);
    if (document.hidden && e?.type !== "resume") return;
    if (silent()) close();
    awake();
    open();
  };

  document.addEventListener("visibilitychange", wake);
  document.addEventListener("resume", wake);
  document.addEventListener("freeze", close);
  window.addEventListener("online", wake);
  window.addEventListener("offline", lost);
  // A page that the browser keeps for its back button must not hold a stream open.
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (e) => e.persisted && wake());
  window.addEventListener("focus", wake);
  setInterval(() => !document.hidden && silent() && lost(), 5e3);
  wake();
};

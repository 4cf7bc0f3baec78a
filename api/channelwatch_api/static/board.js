/* Keeps a server-rendered page current: patches by id, ages, the stale banner, acknowledging without leaving the page. */
"use strict";

(() => {
  const body = document.body;
  const words = JSON.parse(body.dataset.words);
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  const STALE_MS = 10_000;
  const LATE_MS = 180_000;
  const SAY_EVERY_MS = 5_000;
  const byId = (id) => document.getElementById(id);

  // The server's clock decides every age; this machine's clock only measures what has passed since.
  let offset = Number(body.dataset.at) - Date.now();
  let seenAt = Number(body.dataset.seen);
  let heardAt = performance.now();
  const serverNow = () => Date.now() + offset;

  function duration(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return `${s} ${words.s}`;
    const min = Math.floor(s / 60);
    if (min < 60) return `${min} ${words.min}`;
    const h = Math.floor(min / 60);
    if (h < 24) return `${h} ${words.h} ${String(min % 60).padStart(2, "0")} ${words.min}`;
    return `${Math.floor(h / 24)} ${words.d} ${h % 24} ${words.h}`;
  }

  function write(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  const clockFormat = new Intl.DateTimeFormat("vi-VN", {
    timeZone: "Asia/Ho_Chi_Minh", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });

  function showAges(root) {
    const now = serverNow();
    for (const element of root.querySelectorAll("[data-since]")) {
      write(element, duration(now - Number(element.dataset.since)));
    }
    for (const element of root.querySelectorAll("[data-until]")) {
      const left = Number(element.dataset.until) - now;
      write(element, left > 0 ? duration(left) : element.dataset.late);
      element.classList.toggle("late-text", left <= 0);
    }
  }

  function tick() {
    const silence = performance.now() - heardAt;
    const stale = silence > STALE_MS;
    body.classList.toggle("stale", stale);
    const banner = byId("stale");
    banner.hidden = !stale;
    if (stale) write(banner, words.stale.replace("{n}", String(Math.floor(silence / 1000))));
    const age = serverNow() - seenAt;
    write(byId("age"), seenAt ? words.ago.replace("{age}", duration(age)) : words.never);
    byId("age").parentElement.classList.toggle("late", !seenAt || age > LATE_MS);
    write(byId("clock"), clockFormat.format(new Date(serverNow())));
    showAges(document);
  }

  // Announcing: at most one sentence in five seconds, so that a burst does not talk for minutes.
  const known = new Set();
  const toSay = [];
  let saidAt = -SAY_EVERY_MS;

  function noteIncidents(announce) {
    for (const row of document.querySelectorAll("[data-incident]")) {
      const name = row.dataset.incident;
      if (known.has(name)) continue;
      known.add(name);
      if (announce && row.dataset.say) toSay.push(row.dataset.say);
    }
  }

  function say() {
    if (!toSay.length || performance.now() - saidAt < SAY_EVERY_MS) return;
    saidAt = performance.now();
    const rest = toSay.length - 1;
    write(byId("said"), toSay[0] + (rest ? ` (+${rest})` : ""));
    toSay.length = 0;
  }

  // Patching: everything that arrives between two frames is applied in one.
  let waiting = new Map();
  let frame = 0;

  function replace(id, html) {
    const old = byId(id);
    if (!old) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.firstElementChild;
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const scrolled = old.querySelector(".rows")?.scrollTop;
    for (const open of old.querySelectorAll("details[open]")) {
      const twin = fresh.querySelector(`details.${open.className}`);
      if (twin) twin.open = true;
    }
    if (old.classList.contains("tile") || old.classList.contains("bloc")) fresh.classList.add("changed");
    showAges(fresh);
    old.replaceWith(fresh);
    if (scrolled) fresh.querySelector(".rows")?.scrollTo(0, scrolled);
    if (focused === null) return;
    const again = fresh.querySelector(`[data-focus="${CSS.escape(focused ?? "")}"]`);
    (again ?? fresh.querySelector("button") ?? fresh.querySelector("a") ?? fresh).focus({ preventScroll: true });
  }

  function apply() {
    frame = 0;
    const patches = waiting;
    waiting = new Map();
    for (const [id, html] of patches) replace(id, html);
    noteIncidents(true);
    say();
  }

  function heard(message) {
    const beat = JSON.parse(message.data);
    heardAt = performance.now();
    offset = beat.at - Date.now();
    seenAt = beat.seen;
    byId("problems").hidden = !beat.problems.length;
    write(byId("problem-list"), beat.problems.join("; "));
    for (const id of Object.keys(beat.html)) waiting.set(id, beat.html[id]);
    // A hidden tab gets no frames, yet its title and live region must keep up.
    if (waiting.size && !frame) frame = document.hidden ? setTimeout(apply, 100) : requestAnimationFrame(apply);
    tick();
  }

  function listen() {
    const source = new EventSource(body.dataset.stream);
    source.addEventListener("patch", heard);
    source.addEventListener("beat", heard);
    source.addEventListener("reload", () => { source.close(); location.reload(); });
    source.addEventListener("signed-out", () => { source.close(); location.reload(); });
    source.addEventListener("error", () => {
      // A browser gives up after an answer that is no stream (busy, starting): try again later.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5_000);
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  }

  // Acknowledging stays on the page; the next patch shows the result. Anything unexpected falls back to the form.
  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button?.classList.contains("ack")) return;
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await fetch(button.formAction, {
        method: "POST", body: new URLSearchParams(new FormData(event.target)), redirect: "manual",
      });
      if (answer.type !== "opaqueredirect") throw new Error(String(answer.status));
    } catch {
      button.disabled = false;
      button.classList.remove("ack");
      event.target.requestSubmit(button);
    }
  });

  // A page brought back from the browser's own store is as old as when it was left.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  noteIncidents(false);
  tick();
  setInterval(() => { tick(); say(); }, 1_000);
  listen();
})();

// What the pages do beyond links and forms: follow changes, follow output, forms while typing, keys, times, copying.
// Everything works without it, only not by itself. One way of drawing: the server's markup is fetched and merged.

"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// Merging: the new markup's differences are carried over, so that focus, selection, scroll and opened parts stay.

function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
}

function merge(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name, value } of [...fresh.attributes]) {
    const kept = name === "open" && old.tagName === "DETAILS";
    if (!kept && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    const kept = (name === "open" && old.tagName === "DETAILS") || (name === "hidden" && fresh.hasAttribute("hidden"));
    if (!kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  if (old === document.activeElement && /^(INPUT|TEXTAREA|SELECT)$/.test(old.tagName)) return;
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    if (at && !same(at, child)) {
      // Something with this id further down means that what stands between is gone.
      const later = child.id ? $$(`#${CSS.escape(child.id)}`, old).find((found) => found.parentNode === old) : null;
      if (later) {
        while (at && at !== later) { const gone = at; at = at.nextSibling; gone.remove(); }
      }
    }
    if (at && same(at, child)) {
      const next = at.nextSibling;
      merge(at, child);
      at = next;
    } else {
      old.insertBefore(child, at);
    }
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

function take(markup) {
  const fresh = new DOMParser().parseFromString(markup, "text/html");
  for (const part of [...fresh.body.children]) {
    const old = part.id && document.getElementById(part.id);
    if (old) merge(old, part);
  }
  dress(document);
}

function say(text) {
  const place = $("#said");
  if (place && text && place.textContent !== text) place.textContent = text;
}

// Following changes.

let fetching = false;
let again = false;

async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  const begun = Date.now();
  try {
    const address = new URL(location.href);
    address.searchParams.set("fragment", "live");
    address.hash = "";
    const answer = await fetch(address, { headers: { "x-live": "1" }, credentials: "same-origin" });
    if (answer.status === 401) { location.reload(); return; }
    if (answer.ok || answer.status === 404) {
      const text = await answer.text();
      if (text.includes("id=\"live\"")) {
        const before = $("#live")?.dataset.say;
        take(text);
        const after = $("#live")?.dataset.say;
        if (after !== before) say(after);
      }
    }
  } catch {
    // The stream notices by itself and says so.
  } finally {
    // Many changes at once are drawn four times a second, not once each.
    if (again) await new Promise((then) => setTimeout(then, Math.max(0, 250 - (Date.now() - begun))));
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}

let changes = null;

function follow() {
  const live = $("#live");
  if (!live || !live.dataset.watch || changes) return;
  const query = new URLSearchParams();
  for (const topic of live.dataset.watch.split(" ")) query.append("watch", topic);
  query.set("since", live.dataset.since);
  changes = new EventSource(`/ui/events?${query}`);
  const stale = $("#stale");
  let late = null;
  changes.addEventListener("open", () => { clearTimeout(late); late = null; if (stale) stale.hidden = true; });
  changes.addEventListener("change", refresh);
  changes.addEventListener("again", refresh);
  changes.addEventListener("error", () => {
    late ??= setTimeout(() => { if (stale) stale.hidden = false; }, 1500);
    if (changes.readyState === EventSource.CLOSED) {
      changes = null;
      setTimeout(() => { follow(); refresh(); }, 3000);
    }
  });
}

function leave() {
  changes?.close();
  changes = null;
}

// Following output; it stops while somebody reads further up.

function followLog(log) {
  if (log.dataset.followed) return;
  log.dataset.followed = "1";
  const bar = log.closest("section")?.querySelector("header");
  const pause = bar && $("[data-pause]", bar);
  const wrap = bar && $("[data-wrap]", bar);
  let paused = false;
  const kept = 5000;
  const down = () => { if (!paused) log.scrollTop = log.scrollHeight; };
  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Follow" : "Pause";
      down();
    });
  }
  if (wrap) {
    wrap.hidden = false;
    wrap.addEventListener("click", () => wrap.setAttribute("aria-pressed", String(log.classList.toggle("wrap"))));
  }
  const lines = new EventSource(log.dataset.log);
  let waiting = [];
  let drawing = false;
  const draw = () => {
    drawing = false;
    log.insertAdjacentHTML("beforeend", waiting.join(""));
    waiting = [];
    while (log.childElementCount > kept) log.firstElementChild.remove();
    down();
  };
  lines.addEventListener("begin", () => { log.replaceChildren(); });
  lines.addEventListener("line", (event) => {
    waiting.push(event.data);
    if (!drawing) { drawing = true; requestAnimationFrame(draw); }
  });
  lines.addEventListener("end", () => lines.close());
  addEventListener("pagehide", () => lines.close());
  down();
}

// Forms while somebody types: the same as text beside it, and the API's own check.

function liveForm(form) {
  let timer = null;
  let number = 0;
  const send = async (extra) => {
    const mine = ++number;
    const body = new URLSearchParams(new FormData(form));
    for (const [name, value] of Object.entries(extra ?? {})) body.set(name, value);
    try {
      const answer = await fetch(`${form.getAttribute("action")}?fragment=live`, { method: "POST", body, headers: { "x-live": "1" }, credentials: "same-origin" });
      if (!answer.ok || mine !== number) return;
      take(await answer.text());
      for (const wrong of $$(".wrong", form)) {
        const input = document.getElementById(wrong.id.replace(/-wrong$/, ""));
        if (!input || input.tagName === "FIELDSET") continue;
        if (wrong.childElementCount) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      }
    } catch {
      // Sending the form says what is wrong.
    }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(send, 350); });
  form.addEventListener("click", (event) => {
    const door = event.target.closest("button[name=_door]");
    if (!door) return;
    event.preventDefault();
    const name = door.value;
    send({ _door: name }).then(() => $(`button[name=_door][value=${CSS.escape(name)}]`, form)?.focus());
  });
}

// Times, copying, keys.

function spell(seconds) {
  const all = Math.abs(seconds);
  if (all <= 1) return "just now";
  const span = all < 90 ? `${all} s` : all < 5400 ? `${Math.round(all / 60)} min` : all < 129600 ? `${Math.round(all / 3600)} h` : `${Math.round(all / 86400)} d`;
  return seconds >= 0 ? `${span} ago` : `in ${span}`;
}

function tick() {
  const now = Date.now();
  for (const time of $$("time[data-ago]")) {
    const text = spell(Math.floor((now - Date.parse(time.dateTime)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
}

function dress(root) {
  for (const button of $$("button[data-copy]", root)) button.hidden = !navigator.clipboard;
  for (const log of $$("[data-log]", root)) followLog(log);
}

addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const word = button.textContent;
  button.textContent = "Copied";
  say("Copied");
  setTimeout(() => { button.textContent = word; }, 1500);
});

const places = { h: "/", c: "/templates", i: "/instances", r: "/runs" };
let went = 0;

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); $("#search")?.select(); return; }
  if (event.key === "Escape" && typing) { event.target.blur(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); $("#search")?.select(); return; }
  if (event.key === "?") { location.href = "/help"; return; }
  if (event.key === "g") { went = Date.now(); return; }
  if (Date.now() - went < 1500 && places[event.key]) location.href = places[event.key];
});

addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => { if (event.persisted) { follow(); refresh(); } });

for (const form of $$("form[data-live-form]")) liveForm(form);
dress(document);
follow();
tick();
setInterval(tick, 10000);
$("[data-focus]")?.focus();

// Makes pages live and quicker to use. Without it everything works, by loading pages.
"use strict";

const base = document.body.dataset.base;
const language = document.documentElement.lang;

// load asks for the main part of a page.
async function load(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { "Errand-Part": "main" }, credentials: "same-origin" });
  const text = await answer.text();
  return { ok: answer.ok, page: new DOMParser().parseFromString(text, "text/html") };
}

// Live parts: when the server says that something changed, the page is asked for again and the parts that differ are
// replaced. A part in which somebody is at work keeps its place, its selection and what is open.
const shown = new Map();
function remember() {
  for (const part of document.querySelectorAll("[data-live]")) if (!shown.has(part.id)) shown.set(part.id, part.innerHTML);
}
function keepers(part) {
  return {
    checked: new Set([...part.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value)),
    open: [...part.querySelectorAll("details")].map((d) => d.open),
    focus: part.contains(document.activeElement) ? document.activeElement.getAttribute("href") || document.activeElement.value : null,
  };
}
function restore(part, kept) {
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = kept.checked.has(box.value);
  const details = part.querySelectorAll("details");
  if (details.length === kept.open.length) details.forEach((d, i) => (d.open = kept.open[i]));
  if (kept.focus === null) return;
  for (const el of part.querySelectorAll("a, button, input")) {
    if ((el.getAttribute("href") || el.value) === kept.focus) return el.focus({ preventScroll: true });
  }
}
let loading = false;
async function refresh() {
  if (loading || document.hidden) return;
  loading = true;
  try {
    const { ok, page } = await load(location.href);
    if (!ok) return;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || shown.get(part.id) === fresh.innerHTML) continue;
      shown.set(part.id, fresh.innerHTML);
      const kept = keepers(part);
      part.replaceChildren(...fresh.childNodes);
      restore(part, kept);
    }
    tick();
    countSelected();
  } catch {
    // The stream says when the server is gone.
  } finally {
    loading = false;
  }
}
function listen() {
  const url = document.body.dataset.events;
  if (!url) return;
  const status = document.getElementById("status");
  const say = (text) => { status.textContent = text; status.hidden = text === ""; };
  let stream;
  let stale = false;
  const open = () => {
    stream = new EventSource(url);
    stream.addEventListener("changed", () => { say(""); document.hidden ? (stale = true) : refresh(); });
    stream.addEventListener("idle", () => say(""));
    stream.addEventListener("trouble", () => say(document.body.dataset.lost));
    stream.onerror = () => say(document.body.dataset.lost);
  };
  open();
  document.addEventListener("visibilitychange", () => { if (!document.hidden && stale) { stale = false; refresh(); } });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (e) => { if (e.persisted) { open(); refresh(); } });
}

// Times that say how long ago grow by themselves.
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const words = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "narrow" });
function tick() {
  for (const el of document.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.parse(el.dateTime) - Date.now()) / 1000;
    const [unit, size] = units.find(([, s]) => Math.abs(seconds) >= s) || units[3];
    const text = Math.abs(seconds) < 1 ? new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(0, "second") : words.format(Math.trunc(seconds / size), unit);
    if (el.textContent !== text) el.textContent = text;
  }
}

// What cannot be undone is asked in a dialog instead of on a page of its own.
const dialog = document.getElementById("dialog");
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-ask]") || !dialog.showModal) return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form, event.submitter));
  const send = () => { form.removeAttribute("data-ask"); form.requestSubmit(event.submitter); };
  try {
    const url = form.getAttribute("action");
    const answer = await fetch(url, { method: "POST", body: data, headers: { "Errand-Part": "main" }, redirect: "follow" });
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    dialog.replaceChildren(...page.getElementById("main").childNodes);
    dialog.showModal();
  } catch {
    send();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]") && dialog.open) { event.preventDefault(); dialog.close(); }
  if (event.target === dialog) dialog.close();
});

// Selection.
const boxes = () => [...document.querySelectorAll("input[name=job][type=checkbox]")];
function countSelected() {
  const label = document.querySelector("[data-selected]");
  if (!label) return;
  const n = boxes().filter((b) => b.checked).length;
  label.hidden = n === 0;
  label.textContent = "✓ " + n;
}
function selectAll(on) {
  for (const box of boxes()) box.checked = on;
  const all = document.querySelector("[data-all]");
  if (all) all.checked = on;
  countSelected();
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) selectAll(event.target.checked);
  else if (event.target.name === "job") countSelected();
});

// Keyboard.
async function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  await fetch(base + "settings", { method: "POST", body: new URLSearchParams({ theme: root.dataset.theme }), redirect: "manual" });
}
let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, textarea, dialog")) return;
  if (Date.now() - going < 1500) {
    going = 0;
    const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  switch (event.key) {
    case "g": going = Date.now(); break;
    case "?": document.getElementById("keys").showModal(); break;
    case "t": switchTheme(); break;
    case "a": if (boxes().length) selectAll(boxes().some((b) => !b.checked)); break;
    case "/": {
      const field = document.querySelector("[data-filter]");
      if (field) { event.preventDefault(); field.focus(); }
    }
  }
});

remember();
tick();
setInterval(tick, 1000);
listen();

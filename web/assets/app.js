// Makes pages live and quicker to use. Without it everything works, by loading pages.
"use strict";

const base = document.body.dataset.base;
const language = document.documentElement.lang;

// An open page takes at most a hundredth of one processor: it is not asked for anew before it has rested for a hundred times
// what making it took, or 15 s.
let rested = 0;
let resting = 0;

// load asks for the main part of a page.
async function load(url) {
  const answer = await fetch(url, { headers: { "Errand-Part": "main" }, credentials: "same-origin" });
  const text = await answer.text();
  const [, cost] = /dur=([\d.]+)/.exec(answer.headers.get("Server-Timing")) || [0, 0];
  rested = performance.now() + Math.min(100 * cost, 15000);
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
let again = false; // somebody asked meanwhile
let stale = false; // the page was not seen when it was to be refreshed
async function refresh() {
  if (document.hidden) { stale = true; return; }
  const rest = rested - performance.now();
  if (rest > 0) {
    resting ||= setTimeout(() => { resting = 0; refresh(); }, rest);
    return;
  }
  if (loading) { again = true; return; }
  loading = true;
  again = false;
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
    addCopying();
  } catch {
    // The stream says when the server is gone.
  } finally {
    loading = false;
    if (again) refresh();
  }
}
function listen() {
  const url = document.body.dataset.events;
  if (!url) return;
  const status = document.getElementById("status");
  const say = (text) => { status.textContent = text; status.hidden = text === ""; };
  let stream;
  const open = () => {
    stream = new EventSource(url);
    stream.addEventListener("changed", () => { say(""); refresh(); });
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

// Charts: the values under the pointer, or at the place that the arrow keys choose, stand in the legend. They are read from
// the chart's own table.
function pointAt(chart, i) {
  const rows = chart.querySelectorAll("tbody tr");
  const values = [...chart.querySelectorAll("[data-value]")];
  const line = chart.querySelector(".cursor");
  const moment = chart.querySelector("[data-moment]");
  const at = i >= 0 && i < rows.length;
  chart.dataset.at = at ? i : "";
  const x = at ? ((i + 0.5) / rows.length) * 1000 : -9;
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  moment.textContent = at ? rows[i].firstElementChild.textContent : "";
  values.forEach((el, n) => (el.textContent = at ? rows[i].children[n + 1].textContent : el.dataset.value));
}
function follow(event) {
  const plot = event.target.closest?.("[data-chart] .plot svg");
  for (const chart of document.querySelectorAll("[data-chart]:not([data-at=''])")) if (chart.dataset.at && !chart.contains(plot)) pointAt(chart, -1);
  if (!plot) return;
  const box = plot.getBoundingClientRect();
  const chart = plot.closest("[data-chart]");
  const rows = chart.querySelectorAll("tbody tr").length;
  const i = Math.min(rows - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * rows)));
  for (const other of document.querySelectorAll("[data-chart]")) if (other.querySelectorAll("tbody tr").length === rows) pointAt(other, i);
}
document.addEventListener("pointermove", follow);
document.addEventListener("pointerdown", follow); // a finger's
document.addEventListener("keydown", (event) => {
  const chart = event.target.closest?.("svg")?.closest("[data-chart]");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!chart || !step) return;
  event.preventDefault();
  const rows = chart.querySelectorAll("tbody tr").length;
  const from = chart.dataset.at ? Number(chart.dataset.at) : rows;
  pointAt(chart, Math.min(rows - 1, Math.max(0, from + step)));
});

// A choice among few takes effect at once, in place, so that who chooses by keys stays where they are.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (!form || !event.target.matches("select")) return;
  const url = new URL(location.href);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  history.replaceState(null, "", url);
  rested = 0;
  refresh();
});

// Buttons that copy what is beside them.
function addCopying() {
  if (!navigator.clipboard) return;
  for (const el of document.querySelectorAll("[data-copy]")) {
    if (el.dataset.ready) continue;
    el.dataset.ready = "1";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = document.body.dataset.copying;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(el.dataset.copy || el.textContent);
      button.textContent = "✓";
      setTimeout(() => (button.textContent = document.body.dataset.copying), 1500);
    });
    if (el.tagName === "CODE") { el.after(button); continue; }
    const box = document.createElement("div");
    box.className = "copy-box";
    el.replaceWith(box);
    box.append(el, button);
  }
}

// Selection.
const boxes = () => [...document.querySelectorAll("input[name=job][type=checkbox]")];
function countSelected() {
  const label = document.querySelector("[data-selected]");
  if (!label) return;
  const n = boxes().filter((b) => b.checked).length;
  label.hidden = n === 0;
  label.textContent = document.querySelector("[data-selected-text]").dataset.selectedText.replace("%s", n);
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
// step goes to the next row of a list, or to the one before.
function step(by) {
  const links = [...document.querySelectorAll("tr[data-row] a.strong, .group a.strong")];
  if (links.length === 0) return;
  const at = links.findIndex((a) => (a.closest("tr") || a.closest(".group")).contains(document.activeElement));
  links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))].focus();
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
    case "j": step(1); break;
    case "k": step(-1); break;
    case "x": {
      const box = document.activeElement.closest("tr")?.querySelector("input[name=job]");
      if (box) { box.checked = !box.checked; countSelected(); }
      break;
    }
    case "a": if (boxes().length) selectAll(boxes().some((b) => !b.checked)); break;
    case "/": {
      const field = document.querySelector("[data-filter]");
      if (field) { event.preventDefault(); field.focus(); }
    }
  }
});

document.documentElement.classList.add("scripted");
remember();
addCopying();
tick();
setInterval(tick, 1000);
listen();

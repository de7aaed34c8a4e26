// The page: which of its three views is shown follows from the address; new answers never give way to old ones.

import { readAddress, writeAddress } from "./address.js";
import { byId, element, isPlainClick } from "./elements.js";
import { showHome } from "./home.js";
import { preferred, remember, say, speak, currentInterface } from "./interface.js";
import { listen, showKeys } from "./keyboard.js";
import { documentSkeleton, showDocument } from "./document.js";
import { clearProblem, forgetRetries, showProblem, showStopped } from "./problems.js";
import { documentOf, languages, Problem } from "./service.js";
import { results } from "./view.js";

let address = readAddress(location.search);
let controller = new AbortController();
let busy = false;
let held = null;

/** Shows the address; `scroll`: where the reader was. Whatever was under way is given up. */
async function show(scroll = 0) {
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  byId("q").value = address.q;
  direct();
  clearProblem();
  busy = true;
  try {
    if (address.doc) await openDocument(signal);
    else if (address.q) await results.show(address, scroll, signal);
    else await openHome(signal);
    forgetRetries();
  } catch (error) {
    if (!signal.aborted) fail(error, signal);
  } finally {
    if (controller.signal === signal) busy = false;
  }
}

function fail(error, signal) {
  const problem = error instanceof Problem ? error : new Problem(-1);
  if (problem !== error) console.error(error);
  if (address.doc) byId("document").replaceChildren(element("div", { class: "bar-top" }, backLink()));
  else if (address.q) results.clear(address);
  showProblem(problem, () => show(), signal);
}

async function openHome(signal) {
  view("home", say("brand"));
  showHome(address, held);
  window.scrollTo(0, 0);
  held = (await languages(signal)).languages;
  showHome(address, held);
}

async function openDocument(signal) {
  view("document", say("document"));
  documentSkeleton(backLink());
  window.scrollTo(0, 0);
  const found = await documentOf(address.doc, signal);
  view("document", found.title || found.id);
  showDocument(found, address.at, backLink(), signal);
}

function view(name, title) {
  document.body.dataset.view = name;
  document.title = name === "home" ? title : `${title} – ${say("brand")}`;
}

function backLink() {
  const target = { ...address, doc: "", at: null };
  const arrow = element("span", { class: "arrow", "aria-hidden": "true" });
  return element("a", { class: "back", id: "back", href: writeAddress(target), click: goBack }, arrow, say(address.q ? "back" : "backHome"));
}

function goBack(event) {
  if (event && !isPlainClick(event)) return;
  event?.preventDefault();
  if (history.state?.opened) history.back();
  else go({ ...address, doc: "", at: null });
}

/** Another address, as a step that the browser's back button takes back. */
export function go(next, { opened = false } = {}) {
  keepScroll();
  address = { ...next, ui: address.ui };
  history.pushState({ opened, scroll: 0 }, "", writeAddress(address));
  show();
}

/** The same view says a little more of itself: pages that were added. */
export function amend(next) {
  address = next;
  history.replaceState(history.state, "", writeAddress(address));
}

let scrolled = 0;

function keepScroll() {
  clearTimeout(scrolled);
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
}

function stop() {
  controller.abort();
  busy = false;
  results.clear(address);
  showStopped(() => show());
}

/** Escape: what is under way is stopped, a document closed. In a box with text only the former. */
function escape(inBox = false) {
  if (busy && address.q && !address.doc) stop();
  else if (address.doc && !inBox) goBack();
  else return false;
  return true;
}

/** An empty box has the direction of the page, for the words in it; else that of what is written. */
function direct() {
  byId("q").dir = byId("q").value ? "auto" : document.documentElement.dir;
}

function submit(event) {
  event.preventDefault();
  const q = byId("q").value.trim();
  if (!q) {
    byId("q").focus();
    return;
  }
  if (matchMedia("(pointer: coarse)").matches) byId("q").blur();
  const same = q === address.q;
  go(same ? { ...address, page: 1, doc: "", at: null } : { ...readAddress(""), q });
}

function follow(event) {
  const link = event.target.closest?.("a[data-open], a#brand");
  if (!link || !isPlainClick(event)) return;
  event.preventDefault();
  results.remember(link);
  go(readAddress(new URL(link.href).search), { opened: Boolean(link.dataset.doc) });
}

function chooseInterface(event) {
  remember(event.target.value);
  address = { ...address, ui: "" };
  keepScroll();
  history.replaceState(history.state, "", writeAddress(address));
  speakAll(event.target.value);
  results.forget();
  show(window.scrollY);
}

function speakAll(code) {
  speak(code);
  byId("ui").value = currentInterface();
  showKeys();
}

function start() {
  history.scrollRestoration = "manual";
  speakAll(preferred(address.ui));
  byId("app").hidden = false;
  byId("form").addEventListener("submit", submit);
  byId("q").addEventListener("input", direct);
  byId("ui").addEventListener("change", chooseInterface);
  byId("stop").addEventListener("click", stop);
  byId("filters-toggle").addEventListener("click", (event) => {
    const open = event.currentTarget.getAttribute("aria-expanded") !== "true";
    event.currentTarget.setAttribute("aria-expanded", String(open));
  });
  document.addEventListener("click", follow);
  document.addEventListener("scroll", () => {
    clearTimeout(scrolled);
    scrolled = setTimeout(keepScroll, 200);
  });
  window.addEventListener("popstate", (event) => {
    clearTimeout(scrolled);
    const before = address.ui;
    address = readAddress(location.search);
    if (address.ui !== before) speakAll(preferred(address.ui));
    show(event.state?.scroll ?? 0);
  });
  window.addEventListener("pagehide", keepScroll);
  listen(escape);
  results.begin({ go, amend, view, signal: () => controller.signal, languages: async (signal) => (held ??= (await languages(signal)).languages) });
  show(history.state?.scroll ?? 0);
  if (document.body.dataset.view === "home" && !matchMedia("(pointer: coarse)").matches) byId("q").focus();
}

start();

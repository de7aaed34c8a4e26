// Keys: / to the box, j and k or the arrows from result to result, Escape back. Enter opens: results are links.

import { byId, element } from "./elements.js";
import { say } from "./interface.js";
import { always } from "./kept.js";

const KEPT = "search-single-keys";
const DOWN = new Set(["j", "ArrowDown"]);
const UP = new Set(["k", "ArrowUp"]);
const BY_PLACE = { KeyJ: "j", KeyK: "k", Slash: "/" };

/** `escape()` says whether there was something to leave. */
export function listen(escape) {
  byId("shortcuts").checked = always.get(KEPT) !== "off";
  byId("shortcuts").addEventListener("change", (event) => always.set(KEPT, event.target.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (handle(event, escape)) event.preventDefault();
  });
}

/** The list of keys, in words. */
export function showKeys() {
  const rows = [
    ["/", "keyBox"],
    ["j k", "keyMove"],
    ["↓ ↑", "keyMove"],
    ["Enter", "keyOpen"],
    ["Esc", "keyBack"],
  ];
  byId("keys").replaceChildren(
    ...rows.flatMap(([keys, name]) => [
      element("dt", { dir: "ltr" }, keys.split(" ").map((text) => element("kbd", {}, text))),
      element("dd", {}, say(name)),
    ]),
  );
}

/** On an Arabic or Russian keyboard the key in the place of j is meant. */
function keyOf(event) {
  return event.key.length === 1 && event.key > "\u007f" ? (BY_PLACE[event.code] ?? event.key) : event.key;
}

function handle(event, escape) {
  const key = keyOf(event);
  const writing = event.target.closest?.("input:not([type=checkbox]), select, textarea") ?? null;
  if (key === "Escape") return writing === null || writing.value === "" || writing.id !== "q" ? escape() : escape(true);
  const arrow = key.startsWith("Arrow");
  if (!arrow && (writing || !byId("shortcuts").checked)) return false;
  if (key === "/") return focusBox();
  if (event.shiftKey) return false;
  if (DOWN.has(key)) return move(1, arrow, writing);
  if (UP.has(key)) return move(-1, arrow, writing);
  return false;
}

function focusBox() {
  byId("q").focus();
  byId("q").select();
  return true;
}

/** Arrows move between results only from the box or from a result; elsewhere they scroll. */
function move(step, arrow, writing) {
  if (document.body.dataset.view !== "results" || (writing && writing.id !== "q")) return false;
  const links = [...document.querySelectorAll("#hits .hit .title")];
  const here = links.indexOf(document.activeElement?.closest(".hit")?.querySelector(".title"));
  if (arrow && here === -1 && !(writing && step > 0)) return false;
  if (here === 0 && step < 0) return focusBox();
  const next = links[Math.min(here + step, links.length - 1)];
  if (!next) return false;
  next.focus({ preventScroll: true });
  next.closest(".hit").scrollIntoView({ block: "nearest", behavior: "instant" });
  return true;
}

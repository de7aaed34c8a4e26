// Filters by language, source and time; those that are on, as chips above the results.

import { hasFilters, withoutFilters } from "./address.js";
import { byId, element } from "./elements.js";
import { languageName, say, written, writtenDate } from "./interface.js";

const SHOWN = 8;
const DATE = "\\d{4}(-\\d{2}(-\\d{2})?)?";

let seen = { q: null };

/** Of an address that was shared, with filters, nothing was seen before: all languages are on offer. */
export function offerLanguages(address, held) {
  begin(address);
  for (const item of held) seen.lang.add(item.lang);
}

/** `go(address)` shows another address; without an answer only what is chosen is offered. */
export function showFacets(address, facets, go) {
  begin(address);
  const change = (changed) => go({ ...address, ...changed, page: 1 });
  const { facet, value } = focused();
  byId("filters").classList.remove("coming");
  byId("facets").replaceChildren(
    choices("lang", say("language"), address, facets, change, languageName),
    offered("source", facets, address.source).length > 1 || address.source.length
      ? choices("source", say("source"), address, facets, change, (value) => value)
      : "",
    years(address, facets, change),
  );
  if (facet) [...byId("facets").querySelectorAll(`[data-facet=${facet}]`)].find((item) => item.value === value)?.focus();
  const count = chosen(address, change).length;
  byId("filters-toggle").textContent = count ? say("filtersChosen", { count }) : say("filters");
}

export function showChosen(address, go) {
  const chips = chosen(address, (changed) => go({ ...address, ...changed, page: 1 }));
  const all = element("button", { type: "button", class: "quiet", click: () => go(withoutFilters(address)) }, say("removeAll"));
  if (byId("chosen").contains(document.activeElement)) byId("main").focus({ preventScroll: true });
  byId("chosen").replaceChildren(...chips, ...(chips.length > 1 ? [all] : []));
  byId("chosen").hidden = !hasFilters(address);
}

function begin(address) {
  if (seen.q !== address.q) seen = { q: address.q, lang: new Set(), source: new Set(), year: new Set() };
}

/** Until the first answer there is nothing to choose from. */
export function hideFacets() {
  byId("filters").classList.add("coming");
  byId("facets").replaceChildren();
}

/** The filter that was just used is found again among those that take its place. */
function focused() {
  const item = document.activeElement;
  return { facet: item?.dataset?.facet, value: item?.value };
}

/** What an earlier answer to this question counted stays on offer: a filter hides the others' counts, not the others. */
function offered(name, facets, on) {
  const counts = new Map((facets?.[name] ?? []).map((item) => [String(item.value), item.count]));
  for (const value of [...counts.keys(), ...on]) if (value !== "") seen[name].add(value);
  return [...seen[name]].map((value) => ({ value, count: counts.get(value), on: on.includes(value) }));
}

function choices(name, label, address, facets, change, show) {
  const items = offered(name, facets, address[name]);
  const rows = items.map(({ value, count, on }) => {
    const box = element("input", { type: "checkbox", checked: on, "data-facet": name, value });
    box.addEventListener("change", () => change({ [name]: toggled(address[name], value) }));
    const text = element("bdi", { class: "value" }, show(value));
    return element("label", { class: "choice", title: show(value) }, box, text, counted(count));
  });
  return group(label, rows);
}

function years(address, facets, change) {
  const on = address.from && address.from === address.to ? [address.from] : [];
  const items = offered("year", facets, on).sort((a, b) => b.value.localeCompare(a.value));
  const rows = items.map(({ value, count, on: pressed }) => {
    const choose = () => change(pressed ? { from: "", to: "" } : { from: value, to: value });
    const properties = { type: "button", class: "choice", "aria-pressed": String(pressed), "data-facet": "year", value };
    return element("button", { ...properties, click: choose }, element("span", { class: "value" }, value), counted(count));
  });
  return group(say("year"), rows, range(address, change));
}

function range(address, change) {
  const field = (name) =>
    element("input", {
      name,
      value: address[name],
      pattern: DATE,
      maxlength: 10,
      inputmode: "numeric",
      autocomplete: "off",
      placeholder: "YYYY",
      dir: "ltr",
      title: say("dateForm"),
    });
  const [from, to] = [field("from"), field("to")];
  const apply = (event) => {
    event.preventDefault();
    change({ from: from.value.trim(), to: to.value.trim() });
  };
  return element(
    "form",
    { class: "range", submit: apply },
    element("label", {}, say("from"), from),
    element("label", {}, say("to"), to),
    element("button", { type: "submit", class: "quiet" }, say("apply")),
  );
}

function group(label, rows, more = null) {
  if (rows.length === 0 && !more) return "";
  const rest = rows.slice(SHOWN);
  const button = element("button", { type: "button", class: "quiet" }, say("showAll", { count: rows.length }));
  button.addEventListener("click", () => button.replaceWith(...rest));
  const shown = [...rows.slice(0, SHOWN), ...(rest.length ? [button] : [])];
  return element("fieldset", {}, element("legend", {}, label), element("div", { class: "choices" }, shown), more);
}

function counted(count) {
  return element("span", { class: "number" }, count === undefined ? "" : written(count));
}

function toggled(values, value) {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

function chosen(address, change) {
  const { lang, source, from, to } = address;
  const chips = [
    ...lang.map((value) => [languageName(value), { lang: toggled(lang, value) }]),
    ...source.map((value) => [value, { source: toggled(source, value) }]),
  ];
  if (from && from === to) chips.push([writtenDate(from), { from: "", to: "" }]);
  else if (from) chips.push([say("since", { date: writtenDate(from) }), { from: "" }]);
  if (to && from !== to) chips.push([say("until", { date: writtenDate(to) }), { to: "" }]);
  return chips.map(([name, changed]) =>
    element(
      "button",
      { type: "button", class: "chip chosen", "aria-label": say("remove", { name }), click: () => change(changed) },
      element("bdi", {}, name),
      element("span", { "aria-hidden": "true" }, " ×"),
    ),
  );
}

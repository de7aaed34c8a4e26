// What is shown <-> the query string. An address says all of it, so that it can be shared.

export const PAGE = 10;
export const MOST = 100;
const MOST_PAGES = MOST / PAGE;

/** { q, lang, source, from, to, page, doc, at: {start, end} | null, ui } */
export function readAddress(query) {
  const given = new URLSearchParams(query);
  const page = Number.parseInt(given.get("page") ?? "1", 10);
  return {
    q: (given.get("q") ?? "").trim(),
    lang: unique(given.getAll("lang")),
    source: unique(given.getAll("source")),
    from: (given.get("date_from") ?? "").trim(),
    to: (given.get("date_to") ?? "").trim(),
    page: Math.min(Math.max(Number.isNaN(page) ? 1 : page, 1), MOST_PAGES),
    doc: given.get("doc") ?? "",
    at: readSpan(given.get("at") ?? ""),
    ui: given.get("ui") ?? "",
  };
}

/** A relative address, "./" when there is nothing to say. */
export function writeAddress(address) {
  const query = filters(address);
  if (address.page > 1) query.set("page", address.page);
  if (address.doc) query.set("doc", address.doc);
  if (address.doc && address.at) query.set("at", `${address.at.start}-${address.at.end}`);
  if (address.ui) query.set("ui", address.ui);
  const text = query.toString();
  return text ? `./?${text}` : "./";
}

/** The question and its filters, under the names that the service knows. */
export function filters(address) {
  const query = new URLSearchParams();
  if (address.q) query.set("q", address.q);
  for (const lang of address.lang) query.append("lang", lang);
  for (const source of address.source) query.append("source", source);
  if (address.from) query.set("date_from", address.from);
  if (address.to) query.set("date_to", address.to);
  return query;
}

export function isSameSearch(one, other) {
  return filters(one).toString() === filters(other).toString();
}

export function hasFilters(address) {
  return address.lang.length > 0 || address.source.length > 0 || address.from !== "" || address.to !== "";
}

export function withoutFilters(address) {
  return { ...address, lang: [], source: [], from: "", to: "", page: 1, doc: "", at: null };
}

function unique(values) {
  return [...new Set(values.filter((value) => value !== ""))];
}

function readSpan(text) {
  const found = /^(\d{1,9})-(\d{1,9})$/.exec(text);
  if (!found) return null;
  const [start, end] = [Number(found[1]), Number(found[2])];
  return start < end ? { start, end } : null;
}

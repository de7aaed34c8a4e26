// Hits as a list: each set in its own language and direction, inside a list of the interface's.

import { element } from "./elements.js";
import { say, written } from "./interface.js";
import { marked } from "./marks.js";
import { dateChip, languageChip, originalLink, pageChip, sourceName } from "./metadata.js";
import { directionOf, isFromRight, tagOf } from "./scripts.js";
import { writeAddress } from "./address.js";

const ALSO_SHOWN = 3;

export function hitItem(hit, address) {
  const own = { ...address, doc: hit.document_id, at: hit.sentence ?? null };
  const title = hit.title || hit.document_id;
  const tag = tagOf(hit.lang, `${title} ${hit.snippet}`);
  const link = element(
    "a",
    { class: "title", href: writeAddress(own), "data-doc": hit.document_id, "data-open": true },
    element("bdi", { lang: hit.title ? tag : undefined, dir: directionOf(title, hit.lang) }, title),
  );
  const also = alsoIn(hit.also_in ?? [], address);
  return element(
    "li",
    { class: hit.weak ? "hit weak" : "hit", dir: isFromRight(hit.lang) ? "rtl" : "ltr" },
    element("h2", {}, link),
    line(hit),
    element(
      "p",
      { class: "snippet", lang: tag, dir: directionOf(hit.snippet, hit.lang) },
      marked(hit.snippet, hit.highlights ?? []),
    ),
    also,
  );
}

function line(hit) {
  const weak = hit.weak ? element("span", { class: "chip faint", title: say("weakMeans") }, say("weak")) : null;
  const parts = [
    languageChip(hit.lang),
    weak,
    dateChip(hit.date),
    sourceName(hit.source),
    pageChip(hit.page),
    originalLink(hit.url),
  ];
  return element("div", { class: "about" }, parts.filter(Boolean).map((part) => element("bdi", { dir: document.documentElement.dir }, part)));
}

function alsoIn(tellings, address) {
  if (tellings.length === 0) return null;
  const items = tellings.map((telling) => tellingLink(telling, address));
  const rest = items.splice(ALSO_SHOWN);
  const more = element("button", { type: "button", class: "quiet", click: reveal }, say("andMore", { count: rest.length }));
  const label = element("bdi", { class: "label", dir: document.documentElement.dir }, say("alsoIn"));
  return element("div", { class: "also" }, label, items, rest.length > 0 && more);

  function reveal() {
    more.replaceWith(...rest);
    rest[0].querySelector("a").focus();
  }
}

function tellingLink(telling, address) {
  const title = telling.title || telling.document_id;
  const href = writeAddress({ ...address, doc: telling.document_id, at: null });
  return element(
    "span",
    { class: "telling" },
    languageChip(telling.lang),
    element(
      "a",
      { href, "data-doc": telling.document_id, "data-open": true },
      element("bdi", { lang: tagOf(telling.lang, title), dir: directionOf(title, telling.lang) }, title),
    ),
  );
}

/** As much room as a page of hits takes, so that nothing jumps when they come. */
export function skeleton(count) {
  return Array.from({ length: count }, () =>
    element(
      "li",
      { class: "hit skeleton", "aria-hidden": "true" },
      element("div", { class: "bar wide" }),
      element("div", { class: "bar short" }),
      element("div", { class: "bar" }),
      element("div", { class: "bar" }),
    ),
  );
}

export function countLine(answer, shown) {
  return say("count", { shown: written(shown), count: Math.max(answer.total, shown) });
}

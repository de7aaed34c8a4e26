// The line that says of what kind a document is: language, source, date, page, where the original lies.

import { element } from "./elements.js";
import { languageName, say, sayAround, writtenDate } from "./interface.js";

const ADDRESS_SHOWN = 48;

export function languageChip(lang) {
  if (!lang) return null;
  return element("span", { class: "chip language", "data-lang": lang }, languageName(lang));
}

export function dateChip(date) {
  return date ? element("time", { class: "date", datetime: date }, writtenDate(date)) : null;
}

export function sourceName(source) {
  return source ? element("bdi", { class: "source" }, source) : null;
}

export function pageChip(page) {
  return page ? element("span", { class: "page" }, say("page", { page })) : null;
}

/** A link only where the address is one of the web's; anything else is no business of a browser. */
export function originalLink(url) {
  const target = webAddress(url);
  if (!target) return null;
  const host = target.host.length > ADDRESS_SHOWN ? `${target.host.slice(0, ADDRESS_SHOWN)}…` : target.host;
  return element(
    "a",
    { class: "original", href: target.href, target: "_blank", rel: "noopener noreferrer" },
    sayAround("original", { host: element("bdi", { dir: "ltr" }, host) }),
    element("span", { class: "unseen" }, ` (${say("newTab")})`),
  );
}

function webAddress(url) {
  if (!/^https?:\/\//i.test(url ?? "")) return null;
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

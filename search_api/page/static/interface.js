// The interface in four languages: its words, numbers, dates and names of languages.

import ar from "./interface/ar.js";
import en from "./interface/en.js";
import ja from "./interface/ja.js";
import zh from "./interface/zh.js";
import { always } from "./kept.js";

const WORDS = { en, ar, ja, zh };
const TAGS = { en: "en", ar: "ar", ja: "ja", zh: "zh-Hans" };
const LOCALES = { en: "en-GB", ar: "ar-u-nu-latn-ca-gregory", ja: "ja", zh: "zh-Hans" };
const KEPT = "search-interface";

let current = "en";
let plurals = new Intl.PluralRules("en");
let numbers = new Intl.NumberFormat("en");
let names = new Intl.DisplayNames("en", { type: "language" });

/** What the address asks for, else what was chosen before, else what the browser prefers. */
export function preferred(asked) {
  const wanted = [asked, always.get(KEPT), ...(navigator.languages ?? [navigator.language])];
  return wanted.map((tag) => (tag ?? "").toLowerCase().split("-")[0]).find((code) => Object.hasOwn(WORDS, code)) ?? "en";
}

export function remember(code) {
  always.set(KEPT, code);
}

export function currentInterface() {
  return current;
}

/** Makes the whole page speak it, from right to left where that is due. */
export function speak(code) {
  current = code;
  plurals = new Intl.PluralRules(LOCALES[code]);
  numbers = new Intl.NumberFormat(LOCALES[code]);
  names = new Intl.DisplayNames(LOCALES[code], { type: "language", languageDisplay: "standard" });
  document.documentElement.lang = TAGS[code];
  document.documentElement.dir = code === "ar" ? "rtl" : "ltr";
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = say(place.dataset.text);
  for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", say(place.dataset.label));
  for (const place of document.querySelectorAll("[data-placeholder]")) place.placeholder = say(place.dataset.placeholder);
}

/** The words under a name; `{count}` chooses the form, numbers are written as the language does. */
export function say(name, values = {}) {
  const found = WORDS[current][name];
  const text = typeof found === "string" ? found : (found[plurals.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, key) => written(values[key]));
}

/** The same, with nodes in the places: a list to append. */
export function sayAround(name, nodes) {
  return WORDS[current][name]
    .split(/(\{\w+\})/)
    .filter((part) => part !== "")
    .map((part) => (part.startsWith("{") ? nodes[part.slice(1, -1)] : part));
}

export function written(value) {
  return typeof value === "number" ? numbers.format(value) : String(value);
}

/** "YYYY", "YYYY-MM" or "YYYY-MM-DD" as the language writes it, to the precision that is known. */
export function writtenDate(date) {
  const found = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/.exec(date);
  if (!found) return date;
  const [, year, month, day] = found;
  const form = { year: "numeric", timeZone: "UTC" };
  if (month) form.month = "long";
  if (day) form.day = "numeric";
  const moment = new Date(0);
  moment.setUTCFullYear(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  return new Intl.DateTimeFormat(LOCALES[current], form).format(moment);
}

export function languageName(code) {
  try {
    return names.of(code) ?? code;
  } catch {
    return code || "?";
  }
}

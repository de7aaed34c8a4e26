// A document, open at the passage: only the text around it is drawn, the rest as it is asked for or scrolled to.

import { blocksOf, chunksOf } from "./blocks.js";
import { byId, element } from "./elements.js";
import { say } from "./interface.js";
import { spansInUnits, toUnits } from "./marks.js";
import { dateChip, languageChip, originalLink, sourceName } from "./metadata.js";
import { directionOf, guessedLanguage, isFromRight, tagOf } from "./scripts.js";

const AHEAD = "1200px";

/** `back`: the link that leads back. `at`: the sentence, in code points, or null. */
export function showDocument(answered, at, back, signal) {
  const found = { ...answered, lang: answered.lang || guessedLanguage(answered.text) };
  const title = found.title || found.id;
  const tag = tagOf(found.lang, `${title} ${found.text.slice(0, 2000)}`);
  const heading = element("h1", { tabindex: "-1" }, element("bdi", { lang: found.title ? tag : undefined, dir: directionOf(title, found.lang) }, title));
  const body = new Body(found, at, tag, signal);
  const toPassage = at && body.hasPassage
    ? element("button", { type: "button", class: "quiet", id: "to-passage", click: () => body.goToPassage() }, say("toPassage"))
    : null;
  const article = element(
    "article",
    { dir: isFromRight(found.lang) ? "rtl" : "ltr" },
    heading,
    about(found),
    details(found.metadata ?? {}),
    body.node,
  );
  byId("document").replaceChildren(element("div", { class: "bar-top" }, back, toPassage), article);
  heading.focus({ preventScroll: true });
  if (body.hasPassage) body.goToPassage();
  else window.scrollTo(0, 0);
}

export function documentSkeleton(back) {
  const bars = Array.from({ length: 8 }, () => element("div", { class: "bar" }));
  const status = element("p", { class: "unseen", role: "status" }, say("opening"));
  const frame = element("article", { class: "skeleton" }, element("div", { class: "bar wide" }), bars);
  byId("document").replaceChildren(element("div", { class: "bar-top" }, back), status, frame);
}

function about(found) {
  const pages = found.pages?.length > 1 ? element("span", {}, say("pages", { count: found.pages.length })) : null;
  const parts = [languageChip(found.lang), dateChip(found.date), sourceName(found.source), pages, originalLink(found.url)];
  return element("div", { class: "about" }, parts.filter(Boolean).map((part) => element("bdi", { dir: document.documentElement.dir }, part)));
}

function details(metadata) {
  const rows = Object.entries(metadata).flatMap(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [element("dt", {}, element("bdi", {}, name)), element("dd", { dir: "auto" }, text)];
  });
  if (rows.length === 0) return null;
  return element("details", { dir: document.documentElement.dir }, element("summary", {}, say("details")), element("dl", {}, rows));
}

/** The text, from chunk `first` to chunk `last` as far as it is drawn. */
class Body {
  constructor(found, at, tag, signal) {
    this.text = found.text;
    this.lang = found.lang;
    const starts = found.pages?.length > 1 ? found.pages : [];
    this.blocks = blocksOf(this.text, toUnits(this.text, starts));
    this.chunks = chunksOf(this.blocks);
    [this.span] = at ? spansInUnits(this.text, [at]) : [];
    const place = this.span ? this.chunks.findIndex(([, to]) => this.blocks[to - 1].end > this.span.start) : 0;
    this.first = this.last = Math.max(place, 0);
    this.passage = null;
    this.paragraphs = element("div", { lang: tag, class: "text" });
    this.earlier = this.button("earlier", () => this.prepend());
    this.later = this.button("later", () => this.append());
    this.node = element("div", { class: "body" }, this.earlier, this.paragraphs, this.later);
    this.begin(signal);
  }

  get hasPassage() {
    return this.passage !== null;
  }

  begin(signal) {
    if (this.chunks.length === 0) {
      this.node.replaceChildren(element("p", { class: "nothing" }, say("noText")));
      return;
    }
    this.paragraphs.append(...this.drawn(this.first));
    if (this.first > 0) {
      this.first -= 1;
      this.paragraphs.prepend(...this.drawn(this.first));
    }
    this.showButtons();
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.append(), { rootMargin: AHEAD });
    watcher.observe(this.later);
    signal.addEventListener("abort", () => watcher.disconnect());
  }

  button(name, click) {
    return element("button", { type: "button", class: `quiet ${name}`, click }, say(name));
  }

  showButtons() {
    this.earlier.hidden = this.first === 0;
    this.later.hidden = this.last >= this.chunks.length - 1;
  }

  append() {
    if (this.last >= this.chunks.length - 1) return;
    this.last += 1;
    this.paragraphs.append(...this.drawn(this.last));
    this.showButtons();
  }

  /** What is read stays where it is on the screen. */
  prepend() {
    const known = this.paragraphs.firstElementChild;
    const before = known.getBoundingClientRect().top;
    this.first -= 1;
    this.paragraphs.prepend(...this.drawn(this.first));
    this.showButtons();
    window.scrollBy({ top: known.getBoundingClientRect().top - before, behavior: "instant" });
  }

  drawn(chunk) {
    const [from, to] = this.chunks[chunk];
    return this.blocks.slice(from, to).flatMap((block) => {
      const mark = block.page ? element("div", { class: "page-mark", lang: document.documentElement.lang, dir: document.documentElement.dir }, say("page", { page: block.page })) : null;
      return [mark, this.paragraph(block)].filter(Boolean);
    });
  }

  paragraph(block) {
    const text = this.text.slice(block.start, block.end);
    const properties = { dir: directionOf(text, this.lang), class: block.continued ? "continued" : undefined };
    if (!this.span || this.span.end <= block.start || this.span.start >= block.end) return element("p", properties, text);
    const [start, end] = [Math.max(this.span.start - block.start, 0), Math.min(this.span.end, block.end) - block.start];
    const mark = element("mark", { class: "sentence" }, text.slice(start, end));
    this.passage ??= mark;
    return element("p", properties, text.slice(0, start), mark, text.slice(end));
  }

  goToPassage() {
    this.passage.scrollIntoView({ block: "center", behavior: "instant" });
  }
}

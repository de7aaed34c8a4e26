// Offsets of the service count code points, those of JavaScript UTF-16 units; and marked text from offsets.

import { element } from "./elements.js";

const BEYOND_ONE_UNIT = /[\ud800-\udbff][\udc00-\udfff]/;

/** Ascending offsets in code points -> the same in UTF-16 units; those past the end are the end. */
export function toUnits(text, offsets) {
  if (!BEYOND_ONE_UNIT.test(text)) return offsets.map((offset) => Math.min(offset, text.length));
  const found = [];
  let unit = 0;
  let point = 0;
  for (const offset of offsets) {
    while (point < offset && unit < text.length) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.push(unit);
  }
  return found;
}

/** Spans {start, end, ...} in code points -> the same in UTF-16 units; empty and reversed ones are left out. */
export function spansInUnits(text, spans) {
  const offsets = [...new Set(spans.flatMap((span) => [span.start, span.end]))].sort((a, b) => a - b);
  const units = new Map(toUnits(text, offsets).map((unit, place) => [offsets[place], unit]));
  return spans
    .map((span) => ({ ...span, start: units.get(span.start), end: units.get(span.end) }))
    .filter((span) => span.start < span.end);
}

/** Text as nodes: the answering sentence in one <mark>, words of the question in lighter ones, inside it or around it. */
export function marked(text, highlights) {
  const spans = spansInUnits(text, highlights);
  const cuts = [...new Set([0, text.length, ...spans.flatMap((span) => [span.start, span.end])])].sort((a, b) => a - b);
  const nodes = [];
  let sentence = null;
  for (let place = 0; place + 1 < cuts.length; place += 1) {
    const [start, end] = [cuts[place], cuts[place + 1]];
    const inside = (kind) => spans.some((span) => span.kind === kind && span.start <= start && end <= span.end);
    const piece = text.slice(start, end);
    const node = inside("word") ? element("mark", { class: "word" }, piece) : piece;
    if (inside("sentence")) {
      if (!sentence) nodes.push((sentence = element("mark", { class: "sentence" })));
      sentence.append(node);
    } else {
      sentence = null;
      nodes.push(node);
    }
  }
  return nodes;
}

// A long text in blocks and chunks, so that only what is near the passage is drawn.

const CHUNK = 12_000;
const LONGEST_BLOCK = 4_000;
const BREAK = /[\s.!?。！？؟、，,]/;

/** Blocks {start, end, page, continued} of a text, in UTF-16 units: its lines; `page` is 0 but where one begins. */
export function blocksOf(text, pageStarts) {
  const blocks = [];
  let page = 0;
  let said = 0;
  let start = 0;
  while (start < text.length) {
    while (page < pageStarts.length && pageStarts[page] <= start) page += 1;
    const line = text.indexOf("\n", start);
    let end = line === -1 ? text.length : line;
    let next = end + 1;
    if (page < pageStarts.length && pageStarts[page] < next) {
      next = pageStarts[page];
      end = Math.min(end, next);
    }
    if (text.slice(start, end).trim() !== "") {
      blocks.push(...pieces(text, { start, end, page: page > said ? page : 0 }));
      said = page;
    }
    start = next;
  }
  return blocks;
}

/** Runs of blocks [from, to) of about as many characters as fill a few screens. */
export function chunksOf(blocks) {
  const chunks = [];
  let from = 0;
  let size = 0;
  blocks.forEach((block, place) => {
    size += block.end - block.start;
    if (size >= CHUNK) {
      chunks.push([from, place + 1]);
      from = place + 1;
      size = 0;
    }
  });
  if (from < blocks.length) chunks.push([from, blocks.length]);
  return chunks;
}

/** A line without end (a table, a text without line breaks) is drawn in pieces. */
function pieces(text, block) {
  const found = [];
  let { start } = block;
  while (block.end - start > LONGEST_BLOCK) {
    const cut = cutBefore(text, start, start + LONGEST_BLOCK);
    found.push({ start, end: cut, page: 0, continued: found.length > 0 });
    start = cut;
  }
  found.push({ start, end: block.end, page: 0, continued: found.length > 0 });
  found[0].page = block.page;
  return found;
}

function cutBefore(text, start, end) {
  for (let place = end; place > start + LONGEST_BLOCK / 2; place -= 1) if (BREAK.test(text[place - 1])) return place;
  const low = text.charCodeAt(end);
  return low >= 0xdc00 && low <= 0xdfff ? end - 1 : end;
}

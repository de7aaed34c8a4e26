// A question with its filters -> hits, page after page, always of one version of the collection.

import { filters, isSameSearch, MOST, PAGE } from "./address.js";
import { search } from "./service.js";

/** What was found: `hits` of pages 1 to `address.page`; `more`: whether there may be another page. */
export class Found {
  constructor(address, answer, hits, asked) {
    this.address = address;
    this.answer = answer;
    this.hits = hits;
    this.more = answer.hits.length >= asked && address.page * PAGE < MOST;
  }

  answers(address) {
    return isSameSearch(this.address, address);
  }
}

export async function find(address, signal) {
  const asked = address.page * PAGE;
  const answer = await search(filters(address), asked, 0, signal);
  return new Found(address, answer, answer.hits, asked);
}

/** The next page under what was found; when the collection has changed since, all pages anew. */
export async function findMore(found, signal) {
  const address = { ...found.address, page: found.address.page + 1 };
  const answer = await search(filters(address), PAGE, found.address.page * PAGE, signal);
  if (answer.version !== found.answer.version) return { found: await find(address, signal), added: null };
  const known = new Set(found.hits.map((hit) => hit.document_id));
  const added = answer.hits.filter((hit) => !known.has(hit.document_id));
  return { found: new Found(address, answer, [...found.hits, ...added], PAGE), added };
}

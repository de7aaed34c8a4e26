// Questions to the service, and what goes wrong with them as one kind of error.

import { untilClosed } from "./kept.js";

const KEPT = "search-key";

/** `status` 0: no answer came; -1: one that is no JSON. `wait`: seconds after which to try again, or null. */
export class Problem extends Error {
  constructor(status, detail = "", wait = null) {
    super(detail || `status ${status}`);
    this.status = status;
    this.detail = detail;
    this.wait = wait;
  }
}

export function key() {
  return untilClosed.get(KEPT) ?? "";
}

export function useKey(value) {
  untilClosed.set(KEPT, value);
}

export function search(query, limit, offset, signal) {
  const parameters = new URLSearchParams(query);
  parameters.set("limit", limit);
  if (offset) parameters.set("offset", offset);
  parameters.set("facets", "true");
  return ask(`search?${parameters}`, signal);
}

export function languages(signal) {
  return ask("languages", signal);
}

/** The slashes of an id are encoded too, or the browser would resolve "../" in it. */
export function documentOf(id, signal) {
  return ask(`documents/${encodeURIComponent(id)}`, signal);
}

async function ask(path, signal) {
  const headers = { Accept: "application/json" };
  if (key()) headers["X-API-Key"] = encodeKey(key());
  let answer;
  try {
    answer = await fetch(new URL(path, document.baseURI), { headers, signal, credentials: "same-origin" });
  } catch (error) {
    throw signal.aborted ? error : new Problem(0);
  }
  if (!answer.ok) throw new Problem(answer.status, await detailOf(answer), waitOf(answer));
  try {
    return await answer.json();
  } catch (error) {
    throw signal.aborted ? error : new Problem(-1);
  }
}

/** Headers hold Latin characters only; another key is wrong, and the service is to say so. */
function encodeKey(value) {
  return /^[\x21-\x7e]+$/.test(value) ? value : encodeURIComponent(value);
}

async function detailOf(answer) {
  try {
    const problem = await answer.json();
    return typeof problem.detail === "string" ? problem.detail : "";
  } catch {
    return "";
  }
}

function waitOf(answer) {
  const said = answer.headers.get("Retry-After") ?? "";
  if (/^\d{1,6}$/.test(said.trim())) return Number(said);
  const moment = Date.parse(said);
  return Number.isNaN(moment) ? null : Math.max(0, Math.ceil((moment - Date.now()) / 1000));
}

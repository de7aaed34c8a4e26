// The view of the results: status, chips, list, the next page.

import { PAGE, hasFilters, MOST, withoutFilters } from "./address.js";
import { byId, element } from "./elements.js";
import { hideFacets, offerLanguages, showChosen, showFacets } from "./facets.js";
import { holdings, ownFiles, isSample } from "./home.js";
import { say } from "./interface.js";
import { showProblem } from "./problems.js";
import { Problem } from "./service.js";
import { countLine, hitItem, skeleton } from "./results.js";
import { find, findMore } from "./searching.js";

const PATIENCE = 1000;

class ResultsView {
  #found = null;
  #page = null;
  #opened = null;

  /** `page`: what the page does for its views: go, amend, view, signal, languages. */
  begin(page) {
    this.#page = page;
  }

  forget() {
    this.#found = null;
  }

  /** Which link was followed, to come back to. */
  remember(link) {
    this.#opened = link.closest("#hits") ? link : null;
  }

  async show(address, scroll, signal) {
    const wasShown = document.body.dataset.view === "results" && this.#found !== null;
    this.#page.view("results", address.q);
    byId("results-heading").textContent = say("results", { query: address.q });
    showChosen(address, this.#page.go);
    if (this.#found?.answers(address) && this.#found.address.page >= address.page) {
      this.#ready();
      this.#state();
    } else {
      await this.#search(address, wasShown, signal);
    }
    window.scrollTo(0, scroll);
    this.#focus();
  }

  async #search(address, wasShown, signal) {
    this.#wait(address, wasShown, signal);
    if (!wasShown) window.scrollTo(0, 0);
    try {
      const languages = address.lang.length ? this.#page.languages(signal).catch(() => []) : [];
      const found = await find(address, signal);
      offerLanguages(address, await languages);
      signal.throwIfAborted();
      this.#found = found;
    } finally {
      if (!signal.aborted) this.#ready(); // else it is the next one's to say when it is ready
    }
    this.#draw(signal);
  }

  /** No answer: only what was asked stays, so that a filter can be taken back. */
  clear(address) {
    this.#found = null;
    this.#ready();
    byId("status").textContent = "";
    byId("hits").replaceChildren();
    byId("more").replaceChildren();
    if (hasFilters(address)) showFacets(address, null, this.#page.go);
    else hideFacets();
  }

  /** Results that are there stay, pale, until the new ones come; else their room is kept. */
  #wait(address, wasShown, signal) {
    byId("results").setAttribute("aria-busy", "true");
    byId("status").textContent = say("searching");
    if (wasShown) {
      showFacets(address, this.#found.answer.facets, this.#page.go);
    } else {
      this.#found = null;
      hideFacets();
      byId("hits").replaceChildren(...skeleton(PAGE));
      byId("more").replaceChildren();
    }
    const timer = setTimeout(() => (byId("stop").hidden = false), PATIENCE);
    signal.addEventListener("abort", () => clearTimeout(timer));
    this.timer = timer;
  }

  #ready() {
    clearTimeout(this.timer);
    byId("stop").hidden = true;
    byId("results").removeAttribute("aria-busy");
  }

  /** What is said of the hits, around them. */
  #state() {
    const { address, answer, hits } = this.#found;
    byId("status").textContent = hits.length > 0 ? countLine(answer, hits.length) : "";
    showFacets(address, answer.facets, this.#page.go);
  }

  #draw(signal) {
    const { address, hits } = this.#found;
    this.#state();
    byId("hits").replaceChildren(...hits.map((hit) => hitItem(hit, address)));
    if (hits.length > 0 && hits.every((hit) => hit.weak)) {
      byId("hits").prepend(element("li", { class: "remark" }, say("allWeak")));
    }
    if (hits.length === 0) this.#drawNothing(address, signal);
    else this.#drawMore();
  }

  async #drawNothing(address, signal) {
    const words = element("p", { role: "alert" }, element("strong", {}, say(hasFilters(address) ? "noneFiltered" : "none")));
    const box = element("div", { class: "nothing" }, words, element("p", {}, say("noneAdvice")));
    if (hasFilters(address)) {
      const all = () => this.#page.go(withoutFilters(address));
      box.append(element("p", {}, element("button", { type: "button", click: all }, say("removeAll"))));
    }
    byId("more").replaceChildren(box);
    const held = await this.#page.languages(signal).catch(() => null);
    if (signal.aborted || !held) return;
    box.append(element("div", { class: "holds" }, holdings(held)));
    if (isSample() || held.length === 0) box.append(ownFiles());
  }

  #drawMore() {
    const { more, hits } = this.#found;
    const button = element("button", { type: "button", id: "more-button", click: () => this.#extend() }, say("more"));
    const end = hits.length >= MOST ? say("endMost", { count: MOST }) : say("end");
    byId("more").replaceChildren(more ? button : element("p", { class: "end" }, end));
  }

  async #extend() {
    const before = this.#found;
    const signal = this.#page.signal();
    const waiting = skeleton(PAGE);
    byId("hits").append(...waiting);
    byId("more").replaceChildren();
    try {
      const { found, added } = await findMore(before, signal);
      if (signal.aborted) return;
      this.#found = found;
      this.#page.amend(found.address);
      const items = (added ?? found.hits).map((hit) => hitItem(hit, found.address));
      if (added) waiting[0].before(...items);
      else byId("hits").replaceChildren(...items);
      this.#state();
      items[0]?.querySelector(".title").focus({ preventScroll: true });
      this.#drawMore();
    } catch (error) {
      if (this.#found === before) this.#drawMore();
      if (signal.aborted) return;
      showProblem(error instanceof Problem ? error : new Problem(-1), () => this.#extend(), signal, byId("more"));
    } finally {
      waiting.forEach((item) => item.remove());
    }
  }

  #focus() {
    if (this.#opened?.isConnected) this.#opened.focus({ preventScroll: true });
    this.#opened = null;
  }
}

export const results = new ResultsView();

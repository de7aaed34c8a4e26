// What went wrong, in words; trying again after as long as the server said; asking for a key.

import { byId, element } from "./elements.js";
import { say } from "./interface.js";
import { key, useKey } from "./service.js";

const LONGEST_WAIT = 60;
const MOST_RETRIES = 5;

let retries = 0;

export function clearProblem() {
  byId("problem").replaceChildren();
}

export function forgetRetries() {
  retries = 0;
}

/** `again()` repeats what failed; `signal` ends the wait when something else is shown; `place`: where it is said. */
export function showProblem(problem, again, signal, place = byId("problem")) {
  if (problem.status === 401) return showKeyForm(again);
  const button = element("button", { type: "button", click: () => { forgetRetries(); again(); } }, say("tryAgain"));
  const wait = isPassing(problem) ? problem.wait : null;
  const clock = element("span", { class: "clock", "aria-hidden": "true" });
  const parts = [element("p", {}, element("strong", {}, words(problem))), said(problem), element("p", {}, button, " ", clock)];
  if (problem.status === 403) parts.push(otherKey(again));
  place.replaceChildren(element("div", { class: "notice", role: "alert" }, parts.filter(Boolean)));
  if (wait === null) return;
  if (wait > LONGEST_WAIT || retries >= MOST_RETRIES) clock.textContent = say("retryLater", { seconds: wait });
  else count(wait, clock, again, signal);
}

export function showStopped(again) {
  const button = element("button", { type: "button", click: again }, say("tryAgain"));
  const notice = element("div", { class: "notice" }, element("p", {}, say("stopped")), element("p", {}, button));
  byId("problem").replaceChildren(notice);
  button.focus();
}

function isPassing(problem) {
  return problem.status === 429 || problem.status === 503;
}

function count(wait, clock, again, signal) {
  retries += 1;
  let left = Math.max(1, wait);
  const tick = () => {
    if (left <= 0) {
      clearInterval(timer);
      again();
      return;
    }
    clock.textContent = say("retryIn", { seconds: left });
    left -= 1;
  };
  const timer = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  tick();
}

function words(problem) {
  const { status } = problem;
  if (status === 0) return say("network");
  if (status === -1) return say("strange");
  if (status === 403) return say("forbidden");
  if (status === 404 || status === 410) return say("notFound");
  if (status === 429) return say("tooMany");
  if (status === 503) return say("unavailable");
  return say(status < 500 ? "badQuestion" : "failed");
}

/** The server's own words, which are English. */
function said(problem) {
  if (!problem.detail) return null;
  return element("p", { class: "said" }, say("serverSaid"), " ", element("bdi", { lang: "en", dir: "ltr" }, problem.detail));
}

function otherKey(again) {
  return element("p", {}, element("button", { type: "button", class: "quiet", click: () => showKeyForm(again, say("forbidden")) }, say("otherKey")));
}

function showKeyForm(again, reason = key() ? say("keyRefused") : say("keyNeeded")) {
  const input = element("input", { id: "key", type: "password", autocomplete: "off", required: true, dir: "ltr", "aria-describedby": "key-kept" });
  const use = (event) => {
    event.preventDefault();
    useKey(input.value.trim());
    again();
  };
  const row = element("div", { class: "row" }, input, element("button", { type: "submit" }, say("keyUse")));
  const kept = element("p", { id: "key-kept", class: "said" }, say("keyKept"));
  const form = element("form", { submit: use }, element("label", { for: "key" }, say("key")), row, kept);
  const title = element("p", { role: "alert" }, element("strong", {}, reason));
  byId("problem").replaceChildren(element("div", { class: "notice" }, title, form));
  input.focus();
}

// The page before a question: what the collection holds, what one could ask, how to index one's own files.

import { writeAddress } from "./address.js";
import { byId, element } from "./elements.js";
import { say, written } from "./interface.js";
import { languageChip } from "./metadata.js";

const NOTHING = { q: "", lang: [], source: [], from: "", to: "", page: 1, doc: "", at: null };
const COMMANDS = "search-index FOLDER\nsearch-serve";

/** Questions that the sample collection answers. */
const EXAMPLES = [
  { lang: "en", q: "How can freight get from Central Asia to Europe without crossing Russia?" },
  { lang: "ar", q: "لماذا لم يُنقل تمثال «راقصة حمرا» إلى وطنه جواً؟" },
  { lang: "ja", q: "猛暑や嵐、洪水のとき、身を守るにはどうすればいいですか" },
  { lang: "zh", tag: "zh-Hans", q: "凯尔马海峡断掉的海缆，为什么要修将近两个星期？" },
  { lang: "en", q: "rare earth export ban" },
  { lang: "ar", q: "شح المياه في المصانع والزراعة" },
  { lang: "ja", q: "女性初 快挙" },
  { lang: "zh", tag: "zh-Hant", q: "政治諷刺漫畫 AI生成圖" },
];

export function isSample() {
  return document.documentElement.dataset.sample === "yes";
}

/** Drawn at once; `held` of /languages, when it is known, fills the room that was kept for it. */
export function showHome(address, held) {
  byId("home").replaceChildren(
    element("h1", {}, say("heading")),
    element("p", { class: "lead" }, say("lead")),
    element("div", { class: "holds" }, held ? holdings(held) : null),
    ...(isSample() ? [examples(address)] : []),
    ...(isSample() || held?.length === 0 ? [ownFiles()] : []),
  );
}

/** What the collection holds, also for a question that found nothing. */
export function holdings(held) {
  const count = held.reduce((sum, item) => sum + item.documents, 0);
  if (count === 0) return element("p", {}, say("empty"));
  const rows = held
    .filter((item) => item.documents > 0)
    .sort((a, b) => b.documents - a.documents)
    .map((item) => element("li", {}, languageChip(item.lang), " ", element("span", { class: "number" }, written(item.documents))));
  return [element("p", {}, say("holds", { count })), element("ul", {}, rows)];
}

export function ownFiles() {
  const commands = element("pre", { dir: "ltr" }, element("code", { lang: "en" }, COMMANDS));
  return element("div", { class: "own" }, element("p", {}, say(isSample() ? "sample" : "own")), commands);
}

function examples(address) {
  const links = EXAMPLES.map(({ lang, tag, q }) =>
    element(
      "li",
      { dir: lang === "ar" ? "rtl" : "ltr" },
      element("a", { href: writeAddress({ ...NOTHING, ui: address.ui, q }), "data-open": true, lang: tag ?? lang }, q),
    ),
  );
  return element("div", { class: "examples" }, element("h2", {}, say("examples")), element("ul", {}, links));
}

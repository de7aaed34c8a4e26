// How a text in some language is to be set: its direction, and which shapes its Chinese characters have.

const FROM_RIGHT = new Set(["ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);
const RIGHT_LETTER = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

// Frequent characters that exist in one of the two ways of writing Chinese only.
const SIMPLIFIED = new Set("这们来对国时说为过会经发学动进种从现两开长问间关东车见门书马话电气业产线应义战报权热华单让设规联实际济岁亿");
const TRADITIONAL = new Set("這們來對國時說為過會經發學動進種從現兩開長問間關東車見門書馬話電氣業產線應義戰報權熱華單讓設規聯實際濟歲億");

function base(lang) {
  return (lang ?? "").toLowerCase().split(/[-_]/)[0];
}

export function isFromRight(lang) {
  return FROM_RIGHT.has(base(lang));
}

/** For `dir` of a text: a language from right to left also where a Latin name comes first; else by its first letter. */
export function directionOf(text, lang) {
  return isFromRight(lang) && RIGHT_LETTER.test(text) ? "rtl" : "auto";
}

/** The language of a text of which nobody said it, as far as its letters say; "" for those of several languages. */
export function guessedLanguage(text) {
  const start = text.slice(0, 2000);
  const count = (letters) => start.match(letters)?.length ?? 0;
  const kana = count(/[\u3041-\u30fa]/g);
  const han = count(/[\u4e00-\u9fff]/g);
  const arabic = count(/[\u0621-\u064a]/g);
  const few = start.replace(/[\s\d\p{P}]/gu, "").length / 2;
  if (kana + han > few) return kana * 20 > han ? "ja" : "zh";
  return arabic > few ? "ar" : "";
}

/** For `lang` of a text: Chinese is told apart, so that a browser takes the right font. */
export function tagOf(lang, text) {
  if (!lang) return undefined;
  const tag = lang.replaceAll("_", "-");
  if (tag.toLowerCase() !== "zh") return tag;
  let balance = 0;
  for (const character of text.slice(0, 2000)) {
    if (SIMPLIFIED.has(character)) balance += 1;
    else if (TRADITIONAL.has(character)) balance -= 1;
  }
  return balance < 0 ? "zh-Hant" : "zh-Hans";
}

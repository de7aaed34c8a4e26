"""A small dataset that the fake encoder is good at: its four topics, each told and asked for in four languages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from eval.datasets import Dataset, JudgedQuery
from indexer.documents import Document
from tests.fakes import TOPICS, FakeEncoder, Vectors

_LANGS = ("en", "ar", "zh", "ja")
_TEXTS = {
    "en": "Officials spoke about the {} on Monday. They said that it would be a long winter. Nobody asked a question.",
    "ar": "تحدث المسؤولون عن {} يوم الاثنين. وقالوا إن الشتاء سيكون طويلا. ولم يطرح أحد سؤالا.",
    "zh": "官员星期一谈到了{}。他们说冬天会很漫长。没有人提问。",
    "ja": "当局者は月曜日に{}について話した。長い冬になるだろうと述べた。質問はなかった。",
}
NAMES = tuple(words[0] for words in TOPICS)


def four_topics(name: str = "four/topics", topics: Sequence[str] = NAMES) -> Dataset:
    """A document `TOPIC-LANG` and a query `ask-TOPIC-LANG` in each language; grade 2 in its own, 1 in the others."""
    words = {
        (topic[0], lang): word
        for topic in TOPICS
        if topic[0] in topics
        for lang, word in zip(_LANGS, topic, strict=True)
    }
    documents = [
        Document(f"{topic}-{lang}", _TEXTS[lang].format(word), title=f"{word} 1", lang=lang)
        for (topic, lang), word in words.items()
    ]
    return Dataset(
        name,
        documents,
        [JudgedQuery(f"ask-{topic}-{lang}", word, lang) for (topic, lang), word in words.items()],
        {
            f"ask-{topic}-{lang}": {f"{topic}-{other}": 2 if other == lang else 1 for other in _LANGS}
            for topic, lang in words
        },
        {f"{topic}-{lang}": lang for topic, lang in words},
    )


def write(folder: Path, topics: Sequence[str] = NAMES) -> str:
    """The same as a BEIR folder; its path."""
    dataset = four_topics(topics=topics)
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": own.id, "title": own.title, "text": own.text, "language": own.lang} for own in dataset.documents]
    queries = [{"_id": query.id, "text": query.text, "language": query.lang} for query in dataset.queries]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    lines = [
        f"{query}\t{document}\t{grade}\n" for query, own in dataset.qrels.items() for document, grade in own.items()
    ]
    (folder / "qrels" / "test.tsv").write_text("".join(lines), encoding="utf-8")
    return str(folder)


class WrongEncoder(FakeEncoder):
    """Takes every topic for the next one when it is asked for: a model that has got worse."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        vectors = super().encode_queries(texts)
        vectors[:, :4] = vectors[:, [3, 0, 1, 2]]
        return vectors

"""The results of one system, or of two side by side -> a page in HTML that needs nothing but itself, or Markdown.

Both show the same figures: the templates `report.html.jinja` and `report.md.jinja` lay out what `sections.py` puts
together.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from eval.measures import Qrels
from eval.report import charts
from eval.report.sections import HITS, PLOTTED, Titles, section_of
from eval.results import Results, shared

Documents = Mapping[str, Titles]
"""Dataset -> document id -> (title, language)."""
Queries = Mapping[str, Mapping[str, str]]
"""Dataset -> query id -> text."""
Judgements = Mapping[str, Qrels]
"""Dataset -> query id -> document id -> grade."""

_COLOURS, _SHAPES = 8, 4


def report_html(
    first: Results,
    second: Results | None,
    documents: Documents,
    queries: Queries,
    qrels: Judgements | None = None,
) -> str:
    """One page, without scripts or anything that is fetched. Raises ResultError where both share no dataset, or ran
    other queries on it."""
    return _laid_out("report.html.jinja", first, second, documents, queries, qrels or {})


def report_markdown(
    first: Results,
    second: Results | None,
    documents: Documents,
    queries: Queries,
    qrels: Judgements | None = None,
) -> str:
    """The same figures as tables; the dots of single queries are counted only. Raises ResultError as `report_html`."""
    return _laid_out("report.md.jinja", first, second, documents, queries, qrels or {})


def _laid_out(
    template: str,
    first: Results,
    second: Results | None,
    documents: Documents,
    queries: Queries,
    qrels: Judgements,
) -> str:
    results = [first] if second is None else [first, second]
    systems = [result.system for result in results]
    if len(set(systems)) < len(systems):
        systems = [f"{system} ({number})" for number, system in enumerate(systems, 1)]
    names = shared(results)
    sections = [
        section_of(
            [result.of[name] for result in results],
            systems,
            documents.get(name, {}),
            queries.get(name, {}),
            qrels.get(name, {}),
        )
        for name in names
    ]
    text = (
        _environment()
        .get_template(template)
        .render(
            systems=systems,
            sections=sections,
            left_out=sorted({name for result in results for name in result.of} - set(names)),
            settings=[[(key, *_setting(value)) for key, value in result.settings.items()] for result in results],
            labels=charts.LABELS,
            charts=charts,
            plotted=PLOTTED,
            hits=HITS,
        )
    )
    return text.strip() + "\n"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("eval.report", "."),
        autoescape=select_autoescape(enabled_extensions=("html.jinja",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, signed=_signed, chance=_chance, percent=_percent, plain=_plain)
    environment.filters.update(colour=lambda index: index % _COLOURS, shape=lambda i: (i + i // _COLOURS) % _SHAPES)
    return environment


def _setting(value: Any) -> tuple[str, bool]:
    """How a setting is written, and whether as JSON."""
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, indent=1, default=str), True
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), False


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _signed(value: float | None) -> str:
    if value is None:
        return "–"
    return "0.000" if f"{abs(value):.3f}" == "0.000" else f"{value:+.3f}".replace("-", "−")


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else "1" if p > 0.9995 else f"{p:.3f}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", html.escape(" ".join(str(text).split()), quote=False))

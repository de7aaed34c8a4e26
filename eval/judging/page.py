"""Web pages on which people grade the documents of a pool, one at a time; every grade goes to a file at once.

They work without JavaScript and load nothing. The judge's name is in the URL, so that two judges can use one server.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from eval.datasets import Dataset, JudgedQuery
from eval.errors import DatasetError
from eval.judging.judgements import GRADES, Agreement, Journal, Pair, agreed, kappas, written_qrels
from eval.judging.pooling import check_pools
from indexer.documents import Document
from indexer.words import words_of
from search_api.word_marks import matching_spans

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]", "::1", "testserver")
LABELS = ("not relevant", "touches on it", "answers in part", "answers")
LONGEST_NAME = 60
_LARGEST_FORM = 16_384

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True)
class _Pools:
    """What there is to judge, in order, and what the ids stand for."""

    pairs: Sequence[Pair]
    places: Mapping[Pair, int]
    queries: Mapping[str, JudgedQuery]
    documents: Mapping[str, Document]
    langs: Mapping[str, str]

    @staticmethod
    def of(dataset: Dataset, pools: Mapping[str, Sequence[str]]) -> _Pools:
        check_pools(dataset, pools)
        pairs = [(query.id, document) for query in dataset.queries for document in pools.get(query.id, ())]
        return _Pools(
            pairs,
            {pair: place for place, pair in enumerate(pairs)},
            {query.id: query for query in dataset.queries},
            {document.id: document for document in dataset.documents},
            dataset.document_langs,
        )

    def graded(self, judgements: Mapping[str, Mapping[Pair, int]]) -> dict[str, dict[Pair, int]]:
        """Only of these pools: a file may hold grades of others."""
        own = {judge: {p: g for p, g in grades.items() if p in self.places} for judge, grades in judgements.items()}
        return {judge: grades for judge, grades in own.items() if grades}

    def next_ungraded(self, grades: Mapping[Pair, int], after: int = -1) -> Pair | None:
        """The first without a grade behind that place, then from the beginning."""
        order = (*self.pairs[after + 1 :], *self.pairs[: after + 1])
        return next((pair for pair in order if pair not in grades), None)


def judging_app(
    dataset: Dataset, pools: Mapping[str, Sequence[str]], judgements_file: Path, hosts: Sequence[str] = LOCAL_HOSTS
) -> FastAPI:
    """The application; it answers only requests whose Host header is one of `hosts`. Raises DatasetError for pools of
    another dataset, and for a file of judgements that cannot be read."""
    todo, journal = _Pools.of(dataset, pools), Journal(judgements_file)
    app = FastAPI(title="Judging", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    _add_guards(app)
    _add_judging(app, todo, journal)
    _add_overview(app, dataset.name, todo, journal)
    return app


def _add_judging(app: FastAPI, todo: _Pools, journal: Journal) -> None:
    @app.get("/")
    def start(request: Request, judge: str | None = None) -> Response:
        """Asks for a name, then goes to the first document without a grade."""
        if judge is None:
            return _page(request, "name", longest=LONGEST_NAME)
        name = _name(judge)
        return _see(_place_of(name, todo.next_ungraded(journal.read().grades.get(name, {}))))

    @app.get("/judge")
    def judge(request: Request, judge: str = "", query: str = "", document: str = "") -> Response:
        """One query, one document, four buttons."""
        name, pair = _name(judge), _known(todo, query, document)
        grades = todo.graded(journal.read().grades).get(name, {})
        place, of_query = todo.places[pair], [other for other in todo.pairs if other[0] == query]
        shown, text = todo.queries[query], todo.documents[document]
        words = words_of(shown.text)
        behind = todo.pairs[place + 1] if place + 1 < len(todo.pairs) else None
        return _page(
            request,
            "judge",
            judge=name,
            query=shown,
            document=text,
            lang=todo.langs[document],
            title=list(_marked(text.title, matching_spans(text.title, words))),
            text=list(_marked(text.text, matching_spans(text.text, words))),
            grade=grades.get(pair),
            labels=LABELS,
            graded=len(grades),
            total=len(todo.pairs),
            graded_of_query=sum(other in grades for other in of_query),
            total_of_query=len(of_query),
            back=_place_of(name, todo.pairs[place - 1]) if place else None,
            skip=_place_of(name, behind),
            overview=_overview_of(name),
        )

    @app.post("/grade")
    def grade(form: Annotated[dict[str, str], Depends(_form)]) -> Response:
        """Writes a grade, then goes to the next document without one."""
        name, pair = _name(form.get("judge", "")), _known(todo, form.get("query", ""), form.get("document", ""))
        given = form.get("grade", "")
        if given not in map(str, GRADES):
            raise HTTPException(400, f"grade {given[:20]!r}, expected {GRADES[0]} to {GRADES[-1]}")
        journal.add(pair, name, int(given))
        return _see(_place_of(name, todo.next_ungraded(journal.read().grades.get(name, {}), todo.places[pair])))


def _add_overview(app: FastAPI, dataset: str, todo: _Pools, journal: Journal) -> None:
    @app.get("/overview")
    def overview(request: Request, judge: str | None = None) -> Response:
        """How far every judge is, and how far they agree."""
        judgements = journal.read()
        grades = todo.graded(judgements.grades)
        name = None if judge is None else _name(judge)
        own = grades.get(name, {}) if name else {}
        return _page(
            request,
            "overview",
            judge=name,
            dataset=dataset,
            progress={other: len(grades[other]) for other in sorted(grades)},
            total=len(todo.pairs),
            agreements=[(*pair, agreement, _figures(agreement)) for pair, agreement in kappas(grades).items()],
            torn=judgements.torn,
            start="/" if name is None else f"/?{urlencode({'judge': name})}",
            again=None if name is None or len(own) < len(todo.pairs) else _place_of(name, todo.pairs[-1]),
        )

    @app.get("/qrels.tsv")
    def qrels() -> Response:
        """The grades that come of all judges', as a file."""
        text = written_qrels(agreed(todo.graded(journal.read().grades)))
        named = {"Content-Disposition": 'attachment; filename="qrels.tsv"'}
        return PlainTextResponse(text, headers=named, media_type="text/tab-separated-values")


def _figures(agreement: Agreement) -> tuple[str, str, str]:
    same = "–" if agreement.same is None else f"{agreement.same:.0%}"
    kappa, weighted = (
        "–" if value is None else f"{value:.2f}".replace("-", "−") for value in (agreement.kappa, agreement.weighted)
    )
    return same, kappa, weighted


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Stretches of text, and whether they are words of the query."""
    at = 0
    for start, end in spans:
        yield text[at:start], False
        yield text[start:end], True
        at = end
    yield text[at:], False


def _name(given: str) -> str:
    name = unicodedata.normalize("NFC", " ".join(given.split()))
    if not name:
        raise HTTPException(400, "no judge's name; start again at / and give one")
    if len(name) > LONGEST_NAME:
        raise HTTPException(400, f"a judge's name of {len(name)} characters, expected at most {LONGEST_NAME}")
    if not all(character.isprintable() or character in "\u200c\u200d" for character in name):
        raise HTTPException(400, "a judge's name with control characters, expected letters")
    return name


def _known(todo: _Pools, query: str, document: str) -> Pair:
    if query not in todo.queries:
        raise HTTPException(400, f"no query {query[:80]!r} in this dataset")
    if (query, document) not in todo.places:
        raise HTTPException(400, f"no document {document[:80]!r} to judge for query {query[:80]!r}")
    return query, document


def _place_of(judge: str, pair: Pair | None) -> str:
    """The URL of a document; of the overview where there is none."""
    if pair is None:
        return _overview_of(judge)
    return f"/judge?{urlencode({'judge': judge, 'query': pair[0], 'document': pair[1]})}"


def _overview_of(judge: str) -> str:
    return f"/overview?{urlencode({'judge': judge})}"


def _see(url: str) -> Response:
    return RedirectResponse(url, 303)


def _page(request: Request, view: str, **values: Any) -> Response:
    nonce: str = request.state.nonce
    return HTMLResponse(_PAGES.get_template("page.html").render(view=view, nonce=nonce, **values))


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; only this server's own page may send one, and browsers say in Origin what page does."""
    if _netloc(request.headers.get("origin", "")) != request.headers.get("host", "").lower():
        raise HTTPException(403, "grades are taken from this server's own page only; open it and grade there")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise HTTPException(413, f"a form of more than {_LARGEST_FORM} bytes, expected a grade")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _netloc(origin: str) -> str | None:
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") else None


def _add_guards(app: FastAPI) -> None:
    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        request.state.nonce = nonce = secrets.token_urlsafe(16)
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"  # under no-referrer a form's Origin would be null
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.exception_handler(DatasetError)
    async def failed(_: Request, error: DatasetError) -> Response:
        return _said(503, str(error))

    @app.exception_handler(AnyHTTPException)
    async def refused(_: Request, error: AnyHTTPException) -> Response:
        return _said(error.status_code, str(error.detail))


def _said(status: int, line: str) -> Response:
    return PlainTextResponse(line.encode("utf-8", "replace").decode() + "\n", status)

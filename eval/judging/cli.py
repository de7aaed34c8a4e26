"""The commands with which people judge: make a pool, grade it on a page or in a sheet, see how far judges agree."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvicorn

from eval import results
from eval.datasets import Dataset
from eval.errors import DatasetError
from eval.evaluation import say
from eval.judging.judgements import Judgements, agreed, kappas, read_judgements, write_qrels
from eval.judging.page import judging_app
from eval.judging.pooling import pool, pool_rows, read_pool, write_pool
from eval.sources import load
from eval.trec import Scored, lines_of, read_run

_DEPTH = 10


def add_to(commands: Any) -> None:
    """Add these commands to a parser's."""
    pooling = commands.add_parser("pool", help="what people are to judge: the first documents of several runs")
    _pool_options(pooling)
    pooling.add_argument("--output", required=True, type=Path, metavar="FILE", help=".tsv for a sheet, or .jsonl")
    pooling.set_defaults(run=_pool)

    judging = commands.add_parser("serve-judging", help="a page on this machine to grade a pool")
    _pool_options(judging)
    judging.add_argument(
        "--judgements", required=True, type=Path, metavar="FILE", help="grades are added to it (.jsonl)"
    )
    judging.add_argument("--port", type=int, default=8010, metavar="N")
    judging.set_defaults(run=_serve)

    agreement = commands.add_parser("agreement", help="how far judges agree: Cohen's kappa of each pair")
    agreement.add_argument("file", type=Path, metavar="JUDGEMENTS")
    agreement.set_defaults(run=_agreement)

    qrels = commands.add_parser("qrels", help="grades -> qrels, the median where several judges graded")
    qrels.add_argument("file", type=Path, metavar="FILE", help="judgements of the page, or a graded sheet of `pool`")
    qrels.add_argument("--output", required=True, type=Path, metavar="FILE", help="a new file, such as qrels/test.tsv")
    qrels.set_defaults(run=_qrels)


def _pool_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a folder; its qrels may be missing")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="TREC runs, or folders of `run --output`")
    parser.add_argument("--depth", type=int, default=_DEPTH, metavar="N", help=f"documents of each run ({_DEPTH})")
    parser.add_argument("--split", default="test", metavar="NAME", help="grades that there are: qrels/NAME.tsv (test)")


def _pool(options: argparse.Namespace) -> int:
    dataset = load(options.dataset, options.split, unjudged=True)
    rows = pool_rows(dataset, pool(_runs(options.runs, dataset), options.depth), dataset.qrels)
    write_pool(rows, options.output)
    new = sum(row["grade"] is None for row in rows)
    say(f"{options.output}: {len(rows)} documents for {len({row['query'] for row in rows})} queries, {new} to grade")
    return 0


def _serve(options: argparse.Namespace) -> int:
    dataset = load(options.dataset, options.split, unjudged=True)
    app = judging_app(dataset, pool(_runs(options.runs, dataset), options.depth), options.judgements)
    say(f"open http://127.0.0.1:{options.port}/ in a browser; stop with Ctrl-C, what is graded is kept")
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")
    return 0


def _runs(files: Sequence[Path], dataset: Dataset) -> list[Scored]:
    runs: list[Scored] = []
    for file in files:
        if not file.is_dir():
            runs.append(read_run(file, {document.id for document in dataset.documents}))
            continue
        found = results.load(file).of
        if dataset.name not in found:
            raise DatasetError(f"{file} holds no run on {dataset.name}, only on {', '.join(found)}")
        runs.append(found[dataset.name].run)
    return runs


def _agreement(options: argparse.Namespace) -> int:
    judgements = _judgements(options.file)
    print(f"{'judges':30}  both graded    kappa  weighted")
    for (first, second), agreement in kappas(judgements.grades).items():
        values = "  ".join(_figure(value) for value in (agreement.kappa, agreement.weighted))
        print(f"{f'{first}, {second}':30}  {agreement.pairs:11}  {values}")
    return 0


def _figure(value: float | None) -> str:
    return "      -" if value is None else f"{value:7.3f}"


def _qrels(options: argparse.Namespace) -> int:
    if _is_sheet(options.file):
        grades, blank = read_pool(options.file)
        qrels = agreed({"sheet": grades})
        if blank:
            say(f"{options.file}: {blank} documents have no grade and are not in the qrels")
    else:
        qrels = agreed(_judgements(options.file).grades)
    if not qrels:
        raise DatasetError(f"{options.file}: nothing is graded yet; grade first")
    write_qrels(qrels, options.output)
    say(f"{options.output}: written")
    return 0


def _judgements(file: Path) -> Judgements:
    """What the page wrote; says what was cut off. Raises DatasetError, also where there is no file."""
    any(lines_of(file, "; expected a file that search-eval serve-judging wrote"))
    judgements = read_judgements(file)
    if judgements.torn:
        say(str(judgements.torn))
    return judgements


def _is_sheet(file: Path) -> bool:
    """A file of `pool`, whose lines, unlike those of the page, name no judge."""
    first = next(lines_of(file, "; expected a graded file of pool, or one that serve-judging wrote"), (0, ""))[1]
    return file.suffix == ".tsv" or '"judge"' not in first

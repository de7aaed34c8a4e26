"""The command `search-eval`: offline evaluation and benchmarks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from eval.benchmarks import encoding, sentences
from eval.datasets import load_beir
from eval.experiment import Setup, figures, run_dataset
from indexer.encoder import Encoder, load_encoder
from indexer.errors import SearchError
from search_api.searcher import SENTENCE_WEIGHT

DONE, ERROR, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0, 2 for an error, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        run: Any = options.run
        return int(run(options))
    except SearchError as error:
        _say(str(error))
        return ERROR
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="search-eval", description="How good is search, and how fast?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="evaluate datasets; several give their mean as well")
    run.add_argument(
        "datasets", nargs="+", metavar="DATASET", help="BEIR folder: corpus.jsonl, queries.jsonl, qrels/test.tsv"
    )
    run.add_argument("--no-language-means", action="store_true", help="leave languages as the model has them")
    run.add_argument(
        "--sentence-weight",
        type=float,
        default=SENTENCE_WEIGHT,
        metavar="W",
        help="part of the best sentence in a score, 0 to 1",
    )
    run.add_argument("--model", metavar="NAME_OR_FOLDER")
    run.add_argument("--json", metavar="FILE", help="write the figures here; - for standard output")
    run.set_defaults(run=_run)
    bench = commands.add_parser("bench", help="measure speed and boundaries")
    bench.add_argument("name", choices=["encoding", "sentences"], metavar="NAME", help="encoding or sentences")
    bench.add_argument("--data", metavar="DIR", type=Path, help="for sentences: the folder with LANG.jsonl files")
    bench.add_argument("--model", metavar="NAME_OR_FOLDER")
    bench.add_argument("--json", metavar="FILE", help="write the figures here; - for standard output")
    bench.set_defaults(run=_bench)
    return parser


def _run(options: argparse.Namespace) -> int:
    if not 0 <= options.sentence_weight <= 1:
        raise SearchError(f"--sentence-weight {options.sentence_weight}, expected 0 to 1")
    datasets = [load_beir(Path(folder)) for folder in options.datasets]  # all are checked before anything slow
    encoder: Encoder = load_encoder(options.model)
    setup = Setup(language_means=not options.no_language_means, sentence_weight=options.sentence_weight)
    results = [figures(dataset, run_dataset(dataset, encoder, setup, _say), encoder.name) for dataset in datasets]
    _print_table(results, to_stderr=options.json == "-")
    _write(results[0] if len(results) == 1 else {"runs": results, "mean": _mean(results)}, options.json)
    return DONE


def _mean(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        part: {name: fmean(result[part][name] for result in results) for name in results[0][part] if name != "queries"}
        for part in ("measures", "same_language", "cross_language")
    }


def _print_table(results: Sequence[dict[str, Any]], *, to_stderr: bool) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    rows = [(result["dataset"], result) for result in results]
    if len(results) > 1:
        rows.append(("mean", _mean(results)))
    width = max(12, *(len(name) for name, _ in rows))
    print(f"{'':{width}}  nDCG@10     AP  R@100   same RR  cross RR", file=stream)
    for name, row in rows:
        measures = row["measures"]
        print(
            f"{name:{width}}  {measures['nDCG@10']:7.3f}  {measures['AP']:5.3f}  {measures['R@100']:5.3f}"
            f"  {row['same_language']['RR']:8.3f}  {row['cross_language']['RR']:8.3f}",
            file=stream,
        )


def _bench(options: argparse.Namespace) -> int:
    if options.name == "sentences":
        if options.data is None:
            raise SearchError("bench sentences needs --data DIR, a folder with LANG.jsonl files of text and boundaries")
        result = sentences.measure(options.data)
    else:
        result = encoding.measure(load_encoder(options.model))
    if options.json != "-":
        print(json.dumps(result, indent=1, ensure_ascii=False))
    _write(result, options.json)
    return DONE


def _write(result: dict[str, Any], file: str | None) -> None:
    if file is None:
        return
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        unfinished = Path(f"{file}.unfinished")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
    except OSError as error:
        raise SearchError(f"{file} cannot be written ({(error.strerror or str(error)).lower()})") from error


def _say(text: str) -> None:
    print(f"search-eval: {text}", file=sys.stderr, flush=True)

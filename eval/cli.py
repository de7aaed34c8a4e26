"""The command `search-eval`: offline evaluation and benchmarks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from eval.ablation import ablation, as_json, markdown
from eval.benchmarks import encoding, ranking, sentences
from eval.datasets import evenly, load_beir
from eval.experiment import figures, run_dataset
from eval.stages import WITHOUT, without
from indexer.encoder import Encoder, load_sentence_transformer
from indexer.errors import SearchError
from indexer.model_folders import first_model
from indexer.models import default_model, load_encoder
from indexer.sample import sample_file

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
    run.add_argument("--split", default="test", metavar="NAME", help="judgements to use: qrels/NAME.tsv (test)")
    run.add_argument(
        "--without",
        action="append",
        default=[],
        choices=sorted(WITHOUT),
        metavar="STAGE",
        help=f"leave a stage of ranking out; repeat for several ({', '.join(sorted(WITHOUT))})",
    )
    run.add_argument("--model", metavar="NAME_OR_FOLDER")
    run.add_argument("--json", metavar="FILE", help="write the figures here; - for standard output")
    run.set_defaults(run=_run)
    ablate = commands.add_parser("ablate", help="each stage of ranking on and off: what it brings, what it costs")
    ablate.add_argument("datasets", nargs="+", metavar="DATASET", help="BEIR folders; pools of one set are averaged")
    ablate.add_argument(
        "--queries", type=int, metavar="N", help="of each dataset only N queries, evenly spaced, to be done sooner"
    )
    ablate.add_argument("--model", metavar="NAME_OR_FOLDER")
    ablate.add_argument("--json", metavar="FILE", help="write the figures here; - for standard output")
    ablate.set_defaults(run=_ablate)
    bench = commands.add_parser("bench", help="measure speed and boundaries")
    bench.add_argument(
        "name", choices=["encoding", "ranking", "sentences"], metavar="NAME", help="encoding, ranking or sentences"
    )
    bench.add_argument("--data", metavar="DIR", type=Path, help="for sentences: the folder with LANG.jsonl files")
    bench.add_argument("--model", metavar="NAME_OR_FOLDER")
    bench.add_argument("--json", metavar="FILE", help="write the figures here; - for standard output")
    bench.set_defaults(run=_bench)
    return parser


def _run(options: argparse.Namespace) -> int:
    datasets = [load_beir(Path(folder), options.split) for folder in options.datasets]  # checked before anything slow
    encoder: Encoder = load_encoder(options.model)
    stages = without(options.without)
    results = [figures(dataset, run_dataset(dataset, encoder, stages, _say), encoder.name) for dataset in datasets]
    _print_table(results, to_stderr=options.json == "-")
    _write(results[0] if len(results) == 1 else {"runs": results, "mean": _mean(results)}, options.json)
    return DONE


def _ablate(options: argparse.Namespace) -> int:
    if options.queries is not None and options.queries < 1:
        raise SearchError(f"--queries {options.queries}, expected at least 1")
    datasets = [evenly(load_beir(Path(folder)), options.queries) for folder in options.datasets]
    table = ablation(datasets, options.model or default_model(), _say)
    if options.json != "-":
        print(markdown(table))
    _write(as_json(table), options.json)
    return DONE


def _mean(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    means: dict[str, Any] = {
        part: {name: fmean(result[part][name] for result in results) for name in results[0][part] if name != "queries"}
        for part in ("measures", "same_language", "cross_language")
    }
    means["first_hit_right"] = fmean(result["first_hit_right"] for result in results)
    return means


def _print_table(results: Sequence[dict[str, Any]], *, to_stderr: bool) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    rows = [(result["dataset"], result) for result in results]
    if len(results) > 1:
        rows.append(("mean", _mean(results)))
    width = max(12, *(len(name) for name, _ in rows))
    print(f"{'':{width}}  nDCG@10     AP  R@100  first  same RR  cross RR", file=stream)
    for name, row in rows:
        measures = row["measures"]
        print(
            f"{name:{width}}  {measures['nDCG@10']:7.3f}  {measures['AP']:5.3f}  {measures['R@100']:5.3f}"
            f"  {row['first_hit_right']:5.3f}  {row['same_language']['RR']:8.3f}  {row['cross_language']['RR']:8.3f}",
            file=stream,
        )


def _bench(options: argparse.Namespace) -> int:
    if options.name == "sentences":
        if options.data is None:
            raise SearchError("bench sentences needs --data DIR, a folder with LANG.jsonl files of text and boundaries")
        result = sentences.measure(options.data)
    elif options.name == "ranking":
        result = ranking.measure(load_beir(sample_file().parent), load_encoder(options.model), _say)
    else:
        result = encoding.measure(load_sentence_transformer(options.model or first_model()))
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

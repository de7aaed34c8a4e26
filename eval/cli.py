"""The command `search-eval`: how good search is, what made it better or worse, and whether that is more than chance."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from eval import results, showing
from eval.ablation import ablation, as_json, markdown
from eval.benchmarks import encoding, ranking, sentences
from eval.comparison import CHANCE, compare
from eval.datasets import Dataset, evenly
from eval.evaluation import System, evaluate, say
from eval.gate import check, read_baseline, write_baseline
from eval.judging.cli import add_to as add_judging
from eval.peers import NAMES, peer_table, peers
from eval.sources import load
from eval.stages import WITHOUT, with_settings, without
from eval.sweep import grid_of, sweep
from eval.vector_cache import RememberingEncoder
from eval.whole_file import write_whole
from indexer.encoder import load_sentence_transformer
from indexer.errors import SearchError
from indexer.model_folders import first_model
from indexer.models import default_model, load_encoder
from indexer.sample import sample_file
from search_api.scoring import Stages

DONE, WORSE, ERROR, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0, 1 where the gate found a loss, 2 for an error, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        run: Any = options.run
        return int(run(options))
    except SearchError as error:
        say(str(error))
        return ERROR
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="search-eval", description="How good is search, and how fast?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="evaluate datasets; several give their mean as well")
    _datasets(run)
    _system(run)
    run.add_argument(
        "--output", metavar="DIR", type=Path, help="a new folder for the run, per-query values and settings"
    )
    _json_option(run)
    run.set_defaults(run=_run)

    comparing = commands.add_parser("compare", help="two folders of `run --output`: what differs, and is it chance?")
    comparing.add_argument("first", type=Path, metavar="A")
    comparing.add_argument("second", type=Path, metavar="B", help="is compared with A")
    comparing.add_argument(
        "--changes", type=int, default=5, metavar="N", help="show the N queries that changed most (5)"
    )
    _json_option(comparing)
    comparing.set_defaults(run=_compare)

    reporting = commands.add_parser("report", help="one page with tables and plots, of one folder or of two compared")
    reporting.add_argument("first", type=Path, metavar="A")
    reporting.add_argument("second", type=Path, nargs="?", metavar="B", help="is compared with A")
    reporting.add_argument("--output", type=Path, required=True, metavar="FILE", help="a .html or .md file")
    reporting.set_defaults(run=_report)

    gate = commands.add_parser("gate", help="exit with 1 when search is significantly worse than a stored baseline")
    _datasets(gate)
    _system(gate)
    gate.add_argument("--baseline", type=Path, required=True, metavar="FILE", help="what `--write` stored")
    gate.add_argument("--write", action="store_true", help="store the figures as the new baseline instead")
    gate.set_defaults(run=_gate)

    sweeping = commands.add_parser("sweep", help="try every combination of settings; a table, best first")
    _datasets(sweeping)
    sweeping.add_argument(
        "--try",
        dest="tries",
        action="append",
        required=True,
        metavar="NAME=V,V",
        help="values of a setting: model, budget (tokens of a passage), or a weight of ranking; repeat for more",
    )
    _jobs(sweeping)
    _json_option(sweeping)
    sweeping.set_defaults(run=_sweep)

    add_judging(commands)

    others = commands.add_parser("peers", help="other systems on the same datasets, side by side with this one")
    _datasets(others)
    others.add_argument(
        "--peer",
        action="append",
        default=[],
        choices=NAMES,
        metavar="NAME",
        help=f"one of {', '.join(NAMES)}; repeat for more (all)",
    )
    others.add_argument("--output", type=Path, metavar="FILE", help="write the table here as well")
    others.set_defaults(run=_peers)

    ablate = commands.add_parser("ablate", help="each stage of ranking on and off: what it brings, what it costs")
    _datasets(ablate)
    ablate.add_argument("--model", metavar="NAME_OR_FOLDER")
    _json_option(ablate)
    ablate.set_defaults(run=_ablate)

    bench = commands.add_parser("bench", help="measure speed and boundaries")
    bench.add_argument(
        "name", choices=["encoding", "ranking", "sentences"], metavar="NAME", help="encoding, ranking or sentences"
    )
    bench.add_argument("--data", metavar="DIR", type=Path, help="for sentences: the folder with LANG.jsonl files")
    bench.add_argument("--model", metavar="NAME_OR_FOLDER")
    _json_option(bench)
    bench.set_defaults(run=_bench)
    return parser


def _datasets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "datasets",
        nargs="+",
        metavar="DATASET",
        help="a BEIR folder (corpus.jsonl, queries.jsonl, qrels/test.tsv), or ir_datasets:NAME, or mteb:NAME",
    )
    parser.add_argument("--split", default="test", metavar="NAME", help="judgements to use: qrels/NAME.tsv (test)")
    parser.add_argument(
        "--queries", type=int, metavar="N", help="of each dataset only N queries, evenly spaced, to be done sooner"
    )


def _system(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=sorted(WITHOUT),
        metavar="STAGE",
        help=f"leave a stage of ranking out; repeat for several ({', '.join(sorted(WITHOUT))})",
    )
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="another weight of ranking"
    )
    parser.add_argument("--budget", type=int, metavar="TOKENS", help="the most tokens of a passage")
    parser.add_argument("--model", metavar="NAME_OR_FOLDER")
    _jobs(parser)


def _jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="datasets at a time (one for each processor)"
    )


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the figures here; - for standard output")


def _run(options: argparse.Namespace) -> int:
    datasets = _loaded(options)  # checked before anything slow
    if options.output is not None:
        results.check_free(options.output)
    found = evaluate(datasets, _system_of(options), _jobs_of(options), say)
    rows = [dict(result.figures) for result in found.of.values()]
    print(showing.figures_table(rows), file=sys.stderr if options.json == "-" else sys.stdout)
    if options.output is not None:
        results.save(found, options.output)
    _write(rows[0] if len(rows) == 1 else {"runs": rows, "mean": _mean(rows)}, options.json)
    return DONE


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    means: dict[str, Any] = {
        part: {name: fmean(row[part][name] for row in rows) for name in rows[0][part] if name != "queries"}
        for part in ("measures", "same_language", "cross_language")
    }
    means["first_hit_right"] = fmean(row["first_hit_right"] for row in rows)
    return means


def _compare(options: argparse.Namespace) -> int:
    if options.changes < 0:
        raise SearchError(f"--changes {options.changes}, expected at least 0")
    first, second = results.load(options.first), results.load(options.second)
    names = results.shared([first, second])
    compared = {name: compare(first.of[name], second.of[name], options.changes) for name in names}
    if options.json != "-":
        texts = {name: showing.texts_of(first, second, name) for name in names}
        print(showing.comparison(first, second, compared, texts))
    _write({name: showing.comparison_json(own) for name, own in compared.items()}, options.json)
    return DONE


def _report(options: argparse.Namespace) -> int:
    if options.output.suffix not in (".html", ".md"):
        raise SearchError(f"--output {options.output}, expected a name that ends in .html or .md")
    from eval.report.pages import report_html, report_markdown

    first = results.load(options.first)
    second = results.load(options.second) if options.second else None
    found = {name: dataset for name in first.of if (dataset := showing.dataset_of(first, name))}
    laid_out = report_html if options.output.suffix == ".html" else report_markdown
    text = laid_out(
        first,
        second,
        {
            name: {own.id: (own.title or own.text[:60], dataset.document_langs[own.id]) for own in dataset.documents}
            for name, dataset in found.items()
        },
        {name: {query.id: query.text for query in dataset.queries} for name, dataset in found.items()},
        {name: dataset.qrels for name, dataset in found.items()},
    )
    write_whole(options.output, text)
    say(f"{options.output}: written")
    return DONE


def _gate(options: argparse.Namespace) -> int:
    datasets = _loaded(options)
    baseline = None if options.write else read_baseline(options.baseline)
    found = evaluate(datasets, _system_of(options), _jobs_of(options), say)
    if baseline is None:
        write_baseline(found, options.baseline)
        say(f"{options.baseline}: stored as the baseline")
        return DONE
    verdicts = check(found, baseline)
    print(showing.verdicts(verdicts))
    losses = [verdict for verdict in verdicts if verdict.loss]
    if losses:
        say(f"significantly worse than {options.baseline} in {len(losses)} figures (corrected p below {CHANCE})")
    return WORSE if losses else DONE


def _sweep(options: argparse.Namespace) -> int:
    grid = grid_of(options.tries)
    rows = sweep(_loaded(options), grid, _jobs_of(options), say)
    if options.json != "-":
        print(showing.sweep_table(rows))
    _write({"rows": [showing.sweep_json(row) for row in rows]}, options.json)
    return DONE


def _peers(options: argparse.Namespace) -> int:
    datasets = _loaded(options)
    with RememberingEncoder(load_sentence_transformer(first_model())) as encoder:
        peers(options.peer or NAMES, encoder)  # what is not installed is said before anything slow
        ours = {
            name: result.figures
            for name, result in evaluate(datasets, System(default_model(), Stages()), 1, say).of.items()
        }
        table = peer_table(datasets, options.peer or NAMES, encoder, ours, say)
    print(table)
    if options.output is not None:
        write_whole(options.output, table + "\n")
    return DONE


def _ablate(options: argparse.Namespace) -> int:
    table = ablation(_loaded(options), options.model or default_model(), say)
    if options.json != "-":
        print(markdown(table))
    _write(as_json(table), options.json)
    return DONE


def _bench(options: argparse.Namespace) -> int:
    if options.name == "sentences":
        if options.data is None:
            raise SearchError("bench sentences needs --data DIR, a folder with LANG.jsonl files of text and boundaries")
        result = sentences.measure(options.data)
    elif options.name == "ranking":
        result = ranking.measure(load(str(sample_file().parent)), load_encoder(options.model), say)
    else:
        result = encoding.measure(load_sentence_transformer(options.model or first_model()))
    if options.json != "-":
        print(json.dumps(result, indent=1, ensure_ascii=False))
    _write(result, options.json)
    return DONE


def _loaded(options: argparse.Namespace) -> list[Dataset]:
    if options.queries is not None and options.queries < 1:
        raise SearchError(f"--queries {options.queries}, expected at least 1")
    datasets = [evenly(load(source, options.split), options.queries) for source in options.datasets]
    names = [dataset.name for dataset in datasets]
    folders = [results.folder_name(name) for name in names]
    for name, folder in zip(names, folders, strict=True):
        if folders.count(folder) > 1:
            raise SearchError(f"two datasets are called {name}; give each once")
    return datasets


def _system_of(options: argparse.Namespace) -> System:
    if options.budget is not None and options.budget < 8:
        raise SearchError(f"--budget {options.budget}, expected at least 8 tokens")
    stages = with_settings(without(options.without), options.settings)
    return System(options.model or default_model(), stages, options.budget)


def _jobs_of(options: argparse.Namespace) -> int:
    if options.jobs < 1:
        raise SearchError(f"--jobs {options.jobs}, expected at least 1")
    return int(options.jobs)


def _write(result: Mapping[str, Any], file: str | None) -> None:
    if file is None:
        return
    if not file:
        raise SearchError("--json is empty; give a file, or - for standard output")
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if file == "-":
        sys.stdout.write(text)
        return
    write_whole(Path(file), text)

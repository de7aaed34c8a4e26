"""What each command of `search-eval` does: options -> figures, printed and written, and an exit status."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from eval import results, showing
from eval.ablation import ablation, as_json, markdown
from eval.bar import bar
from eval.benchmarks import encoding, indexing, ranking, reading, sentences, service
from eval.comparison import CHANCE, compare
from eval.datasets import Dataset, sampled
from eval.evaluation import System, default_system, evaluate, say
from eval.gate import check, read_baseline, write_baseline
from eval.given_run import results_of_run
from eval.peers import NAMES, peer_results, peer_table, peers
from eval.report.pages import report_html, report_markdown
from eval.sources import load
from eval.stages import with_settings, without
from eval.sweep import grid_of, size, sweep
from eval.vector_cache import RememberingEncoder
from eval.whole_file import write_whole
from indexer.encoder import load_sentence_transformer
from indexer.errors import SearchError
from indexer.lazy_encoder import load_encoder as load_lazily
from indexer.model_folders import first_model
from indexer.models import default_model, load_encoder
from indexer.sample import sample_file

DONE, WORSE = 0, 1


def run_datasets(options: argparse.Namespace) -> int:
    system, jobs = _system_of(options), _jobs_of(options)  # what is wrong is said before anything slow
    if options.output is not None:
        results.check_free(options.output)
    found = evaluate(_loaded(options), system, jobs, say)
    rows = [dict(result.figures) for result in found.of.values()]
    print(showing.figures_table(rows), file=sys.stderr if options.json == "-" else sys.stdout)
    if options.output is not None:
        results.save(found, options.output)
    _write(rows[0] if len(rows) == 1 else {"runs": rows, "mean": _mean(rows)}, options.json)
    return DONE


def score_run(options: argparse.Namespace) -> int:
    if options.output is not None:
        results.check_free(options.output)
    (dataset,) = _loaded(options)
    found = results_of_run(dataset, options.file, options.system or options.file.stem, say)
    figures = dict(found.of[dataset.name].figures)
    print(showing.figures_table([figures]), file=sys.stderr if options.json == "-" else sys.stdout)
    if options.output is not None:
        results.save(found, options.output)
    _write(figures, options.json)
    return DONE


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    means: dict[str, Any] = {
        part: {name: fmean(row[part][name] for row in rows) for name in rows[0][part] if name != "queries"}
        for part in ("measures", "same_language", "cross_language")
    }
    means["first_hit_right"] = fmean(row["first_hit_right"] for row in rows)
    return means


def compare_runs(options: argparse.Namespace) -> int:
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


def write_report(options: argparse.Namespace) -> int:
    if options.output.suffix not in (".html", ".md"):
        raise SearchError(f"--output {options.output}, expected a name that ends in .html or .md")
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


def guard(options: argparse.Namespace) -> int:
    system, jobs = _system_of(options), _jobs_of(options)
    baseline = None if options.write else read_baseline(options.baseline)
    found = evaluate(_loaded(options), system, jobs, say)
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


def try_grid(options: argparse.Namespace) -> int:
    grid, jobs = grid_of(options.tries), _jobs_of(options)
    datasets = _loaded(options)
    with bar(size(grid) * len(datasets)) as (line, finished):
        rows = sweep(datasets, grid, jobs, line, finished)
    if options.json != "-":
        print(showing.sweep_table(rows))
    _write({"rows": [showing.sweep_json(row) for row in rows]}, options.json)
    return DONE


def run_peers(options: argparse.Namespace) -> int:
    if options.runs is not None:
        results.check_free(options.runs)
    datasets = _loaded(options)
    with RememberingEncoder(load_sentence_transformer(first_model())) as encoder:
        # What is not installed is said before anything slow.
        others = peers(list(dict.fromkeys(options.peer or NAMES)), encoder)
        found = {"ours": evaluate(datasets, default_system(), 1, say)}
        found |= {peer.name: peer_results(datasets, peer, say) for peer in others}
    table = peer_table(found, others)
    print(table, end="")
    if options.output is not None:
        write_whole(options.output, table)
    if options.runs is not None:
        for name, own in found.items():
            results.save(own, options.runs / name)
    return DONE


def run_ablation(options: argparse.Namespace) -> int:
    table = ablation(_loaded(options), options.model or default_model(), say)
    if options.json != "-":
        print(markdown(table))
    _write(as_json(table), options.json)
    return DONE


def measure(options: argparse.Namespace) -> int:
    if options.name == "sentences":
        if options.data is None:
            raise SearchError("bench sentences needs --data DIR, a folder with LANG.jsonl files of text and boundaries")
        result = sentences.measure(options.data)
    elif options.name == "ranking":
        result = ranking.measure(load(str(sample_file().parent)), load_encoder(options.model), say)
    elif options.name == "reading":
        result = reading.measure(say, options.files)
    elif options.name == "service":
        sample = load(str(sample_file().parent))
        result = service.measure(
            say,
            sample,
            load_lazily(options.model),
            collection=options.collection,
            seconds=options.seconds,
            workers=options.workers,
        )
    elif options.name == "indexing":
        result = indexing.measure(say, gigabytes=options.gigabytes)
    else:
        result = encoding.measure(load_sentence_transformer(options.model or first_model()))
    if options.json != "-":
        print(json.dumps(result, indent=1, ensure_ascii=False))
    _write(result, options.json)
    return DONE


def _loaded(options: argparse.Namespace) -> list[Dataset]:
    if options.queries is not None and options.queries < 1:
        raise SearchError(f"--queries {options.queries}, expected at least 1")
    datasets = [sampled(load(source, options.split), options.queries) for source in options.datasets]
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

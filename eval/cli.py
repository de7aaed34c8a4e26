"""The command `search-eval`: how good search is, what made it better or worse, and whether that is more than chance."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval import commands
from eval.evaluation import say
from eval.judging.cli import add_to as add_judging
from eval.peers import NAMES
from eval.stages import WITHOUT
from indexer.errors import SearchError

ERROR, INTERRUPTED = 2, 130
_DATASET = (
    "a folder with corpus.jsonl, queries.jsonl (or TREC's topics.txt) and qrels/test.tsv (or TREC's qrels.txt), or "
    "ir_datasets:NAME, or mteb:NAME"
)


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
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_runs(subparsers)
    add_judging(subparsers)
    _add_tables(subparsers)
    return parser


def _add_runs(subparsers: Any) -> None:
    """Evaluate, and say whether it is better or worse than before."""
    run = subparsers.add_parser("run", help="evaluate datasets; several give their mean as well")
    _datasets(run)
    _system(run)
    run.add_argument(
        "--output", metavar="DIR", type=Path, help="a new folder for the run, per-query values and settings"
    )
    _json_option(run)
    run.set_defaults(run=commands.run_datasets)

    scoring = subparsers.add_parser("score", help="evaluate a run of any system, a file in TREC's format")
    scoring.add_argument("datasets", nargs=1, metavar="DATASET", help=_DATASET)
    scoring.add_argument("file", type=Path, metavar="RUN", help="lines of query, Q0, document, rank, score and tag")
    _judgements(scoring)
    scoring.add_argument("--system", metavar="NAME", help="what to call it (the file's name)")
    scoring.add_argument(
        "--output", metavar="DIR", type=Path, help="a new folder as `run --output` writes it, to compare and to report"
    )
    _json_option(scoring)
    scoring.set_defaults(run=commands.score_run)

    comparing = subparsers.add_parser("compare", help="two folders of `run --output`: what differs, and is it chance?")
    comparing.add_argument("first", type=Path, metavar="A")
    comparing.add_argument("second", type=Path, metavar="B", help="is compared with A")
    comparing.add_argument(
        "--changes", type=int, default=5, metavar="N", help="show the N queries that changed most (5)"
    )
    _json_option(comparing)
    comparing.set_defaults(run=commands.compare_runs)

    reporting = subparsers.add_parser("report", help="one page with tables and plots, of one folder or of two compared")
    reporting.add_argument("first", type=Path, metavar="A")
    reporting.add_argument("second", type=Path, nargs="?", metavar="B", help="is compared with A")
    reporting.add_argument("--output", type=Path, required=True, metavar="FILE", help="a .html or .md file")
    reporting.set_defaults(run=commands.write_report)

    gate = subparsers.add_parser("gate", help="exit with 1 when search is significantly worse than a stored baseline")
    _datasets(gate)
    _system(gate)
    gate.add_argument("--baseline", type=Path, required=True, metavar="FILE", help="what `--write` stored")
    gate.add_argument("--write", action="store_true", help="store the figures as the new baseline instead")
    gate.set_defaults(run=commands.guard)


def _add_tables(subparsers: Any) -> None:
    """Evaluate many settings, stages or systems; measure speed."""
    sweeping = subparsers.add_parser("sweep", help="try every combination of settings; a table, best first")
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
    sweeping.set_defaults(run=commands.try_grid)

    others = subparsers.add_parser("peers", help="other systems on the same datasets, side by side with this one")
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
    others.add_argument(
        "--runs", type=Path, metavar="DIR", help="a new folder with a folder of results of each, to compare and to pool"
    )
    others.set_defaults(run=commands.run_peers)

    ablate = subparsers.add_parser("ablate", help="each stage of ranking on and off: what it brings, what it costs")
    _datasets(ablate)
    ablate.add_argument("--model", metavar="NAME_OR_FOLDER")
    _json_option(ablate)
    ablate.set_defaults(run=commands.run_ablation)

    bench = subparsers.add_parser("bench", help="measure speed and boundaries")
    names = ["encoding", "indexing", "ranking", "reading", "sentences", "service"]
    bench.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    bench.add_argument("--data", metavar="DIR", type=Path, help="for sentences: the folder with LANG.jsonl files")
    bench.add_argument("--files", type=int, default=10_000, metavar="N", help="for reading: how many files (10000)")
    bench.add_argument(
        "--gigabytes", type=float, default=2.0, metavar="N", help="for indexing: the size of a large file (2)"
    )
    bench.add_argument("--collection", metavar="DIR", type=Path, help="for service: one to search (one that is made)")
    bench.add_argument("--seconds", type=int, default=60, metavar="N", help="for service: of load by 16 clients (60)")
    bench.add_argument("--workers", type=int, default=1, metavar="N", help="for service: processes that answer (1)")
    bench.add_argument("--model", metavar="NAME_OR_FOLDER")
    _json_option(bench)
    bench.set_defaults(run=commands.measure)


def _datasets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("datasets", nargs="+", metavar="DATASET", help=_DATASET)
    _judgements(parser)


def _judgements(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", default="test", metavar="NAME", help="judgements to use: qrels/NAME.tsv (test)")
    parser.add_argument("--queries", type=int, metavar="N", help="of each dataset only N queries, to be done sooner")


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

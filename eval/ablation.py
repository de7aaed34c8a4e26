"""Each stage of ranking left out by itself: what it brings on each set, whether that may be chance, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from scipy.stats import ttest_rel

from eval.datasets import Dataset
from eval.evaluation import remembering
from eval.experiment import Outcome, Progress, run_settings
from eval.figures import figures
from eval.stages import WITHOUT, without
from eval.table import SIDES, table_of
from indexer.joint_encoder import SUFFIX
from search_api.scoring import Stages

ALL = "all stages"
PLAIN = "plain: embed and search"
_FIRST_MODEL_ONLY = "without second encoder"
_CHANCE = 0.01
"""A difference that chance makes more seldom than this is marked (paired t-test over queries: Smucker, Allan,
Carterette 2007)."""


@dataclass(frozen=True)
class Row:
    """One setting on one set of datasets: means over queries, and p-values of the difference to all stages."""

    setting: str
    group: str
    same: float
    cross: float
    average_precision: float
    ndcg: float
    pairs: dict[str, float]
    milliseconds: float
    bytes_per_passage: float
    p_same: float
    p_cross: float


def settings_of(model: str) -> list[tuple[str, str, Stages]]:
    """(name, model, stages) of every row, all stages first."""
    first = model.removesuffix(SUFFIX)
    rows = [(ALL, model, Stages())]
    rows += [(f"without {stage}", model, without([stage])) for stage in WITHOUT]
    if first != model:
        rows.append((_FIRST_MODEL_ONLY, first, Stages()))
    return [*rows, (PLAIN, first, without(list(WITHOUT)))]


def ablation(datasets: Sequence[Dataset], model: str, progress: Progress) -> list[Row]:
    """Rows of every setting on every group of datasets (the pools of one set are a group)."""
    rows = settings_of(model)
    outcomes: dict[tuple[str, str], Outcome] = {}
    for name in dict.fromkeys(model for _, model, _ in rows):
        own = [(setting, stages) for setting, of, stages in rows if of == name]
        with remembering(name) as encoder:
            for dataset in datasets:
                made = run_settings(dataset, encoder, [stages for _, stages in own], progress)
                outcomes |= {(setting, dataset.name): outcome for (setting, _), outcome in zip(own, made, strict=True)}
    groups: dict[str, list[Dataset]] = {}
    for dataset in datasets:
        groups.setdefault(group_of(dataset.name), []).append(dataset)
    return [_row(setting, group, members, outcomes) for group, members in groups.items() for setting, _, _ in rows]


def group_of(name: str) -> str:
    """`ntrex-mixed/pool3` is a pool of ntrex-mixed."""
    head, _, last = name.rpartition("/")
    return head if head and last.startswith("pool") else last


def _row(setting: str, group: str, members: Sequence[Dataset], outcomes: dict[tuple[str, str], Outcome]) -> Row:
    own = [outcomes[setting, dataset.name] for dataset in members]
    reference = [outcomes[ALL, dataset.name] for dataset in members]
    made = [figures(dataset, outcome.run, "") for dataset, outcome in zip(members, own, strict=True)]
    pairs: dict[str, list[float]] = {}
    for figure in made:
        for pair, value in figure["language_pairs"].items():
            pairs.setdefault(pair, []).append(value["RR"])
    return Row(
        setting=setting,
        group=group,
        same=fmean(figure["same_language"]["RR"] for figure in made),
        cross=fmean(figure["cross_language"]["RR"] for figure in made),
        average_precision=fmean(figure["measures"]["AP"] for figure in made),
        ndcg=fmean(figure["measures"]["nDCG@10"] for figure in made),
        pairs={pair: fmean(values) for pair, values in sorted(pairs.items())},
        milliseconds=fmean(outcome.milliseconds for outcome in own),
        bytes_per_passage=fmean(outcome.bytes_per_passage for outcome in own),
        p_same=_chance(members, own, reference, same=True),
        p_cross=_chance(members, own, reference, same=False),
    )


def _chance(members: Sequence[Dataset], own: Sequence[Outcome], reference: Sequence[Outcome], *, same: bool) -> float:
    """The p-value of the difference of reciprocal ranks over all queries of a group; 1 where nothing differs."""
    ours: list[float] = []
    theirs: list[float] = []
    for dataset, one, other in zip(members, own, reference, strict=True):
        values, others = (table_of(dataset, run).columns[f"RR {SIDES[same]}"] for run in (one.run, other.run))
        ours += [values[query] for query in others]
        theirs += list(others.values())
    if ours == theirs:
        return 1.0
    return float(ttest_rel(ours, theirs).pvalue)


def markdown(rows: Sequence[Row]) -> str:
    """A table for each group; `*`: unlike all stages, with p below 0.01."""
    lines: list[str] = []
    for group in dict.fromkeys(row.group for row in rows):
        own = [row for row in rows if row.group == group]
        lines += [f"**{group}**", "", "| | same RR | cross RR | AP | nDCG@10 | lowest pair | ms | bytes |"]
        lines.append("|---|---|---|---|---|---|---|---|")
        for row in own:
            crossing = {pair: value for pair, value in row.pairs.items() if len(set(pair.split(">"))) == 2}
            lowest = min(crossing, key=lambda pair: crossing[pair]) if crossing else ""
            lines.append(
                f"| {row.setting} | {row.same:.3f}{_star(row.p_same)} | {row.cross:.3f}{_star(row.p_cross)} "
                f"| {row.average_precision:.3f} | {row.ndcg:.3f} | {lowest} {crossing.get(lowest, 0):.3f} "
                f"| {row.milliseconds:.1f} | {row.bytes_per_passage:,.0f} |"
            )
        lines += ["", _pair_table(own[0]), ""]
    return "\n".join(lines)


def _star(p: float) -> str:
    return "*" if p < _CHANCE else ""


def _pair_table(row: Row) -> str:
    """Rows: the query's language; columns: the document's."""
    langs = sorted({lang for pair in row.pairs for lang in pair.split(">")})
    lines = ["| query \\ document | " + " | ".join(langs) + " |", "|---" * (len(langs) + 1) + "|"]
    for query in langs:
        cells = [f"{row.pairs[pair]:.3f}" if (pair := f"{query}>{lang}") in row.pairs else "" for lang in langs]
        lines.append(f"| {query} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    return {"rows": [vars(row) for row in rows]}

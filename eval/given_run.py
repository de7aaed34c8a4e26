"""A run of any system, from a file in TREC's format -> results like those of this program, to compare and to show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from eval.datasets import Dataset
from eval.errors import DatasetError
from eval.evaluation import settings_of
from eval.experiment import Progress
from eval.figures import measured
from eval.results import Results
from eval.trec import read_run


def results_of_run(dataset: Dataset, file: Path, system: str, progress: Progress) -> Results:
    """Says which judged queries the run lacks (they count as 0), and which of its queries nobody judged (they are left
    out). Raises DatasetError, with file and line, also for a document that the dataset does not have."""
    began = datetime.now(UTC)
    run = read_run(file, {document.id for document in dataset.documents})
    judged = {query.id for query in dataset.queries}
    lacking, unjudged = sorted(judged - run.keys()), sorted(run.keys() - judged)
    if len(lacking) == len(judged):
        raise DatasetError(f"{file}: none of the queries of {dataset.name}, such as {lacking[0]!r}; give a run of it")
    if lacking:
        progress(f"{file}: judged queries that it lacks, which count as 0: {len(lacking)}, such as {lacking[0]!r}")
    if unjudged:
        progress(f"{file}: queries that nobody judged, left out: {len(unjudged)}, such as {unjudged[0]!r}")
    settings = {**settings_of(system, [dataset], began, 0.0), "run": str(file.resolve())}
    return Results(settings, {dataset.name: measured(dataset, run, system, {})})

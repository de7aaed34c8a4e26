"""A collection for Python programs: what the command `search-index` does, with the same files and the same model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

from indexer.build import index_documents, open_or_create, update_indexes
from indexer.documents import Document
from indexer.encoder import Encoder
from indexer.lazy_encoder import load_encoder
from indexer.reading import Options
from indexer.run_log import log_summary
from indexer.stored_collection import model_of
from indexer.summary import Summary
from indexer.updating import update

Progress = Callable[[Summary, str], None]


class Collection:
    """Documents on disk that can be searched. One thread at a time; other processes may search meanwhile. What was done
    and skipped is logged by the logger `indexer`.

    with Collection("news") as news:
        news.add([Document("a", "The ban was announced on Monday.", title="A ban")])
        news.update("articles")
        print(len(news), news.get("a"))
    """

    def __init__(self, folder: str | Path, *, model: str | None = None, encoder: Encoder | None = None) -> None:
        """Open the collection in a folder, or make a new one there.

        `model`: of a new collection, a hub name or a folder; an existing one keeps its own. `encoder`: one that is
        loaded already. Raises CollectionError for what cannot be opened, ModelError, and ModelMismatch for a collection
        of another model.
        """
        self.folder = Path(folder)
        encoder = encoder or load_encoder(model or model_of(self.folder))
        self._encoder = encoder
        self._stored = open_or_create(self.folder, encoder)

    def close(self) -> None:
        """What was added is on disk already."""
        self._stored.close()

    def __enter__(self) -> Collection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, documents: Iterable[Document], progress: Progress | None = None) -> Summary:
        """Add documents, or replace those with the same ids; unchanged ones cost nothing. Commits batch by batch: what
        was committed stays, whatever happens later. A document with the id of one that a file holds is skipped, and
        named: what is in a file changes with the file."""
        return self._logged(index_documents(documents, self._stored, self._encoder, progress))

    def update(
        self,
        *paths: str | Path,
        options: Options | None = None,
        keep_deleted: bool = False,
        progress: Progress | None = None,
    ) -> Summary:
        """Bring it up to date with files and folders, as `search-index PATH` does."""
        given = [str(path) for path in paths]
        return self._logged(update(given, self._stored, self._encoder, options, progress, keep_deleted=keep_deleted))

    def _logged(self, summary: Summary) -> Summary:
        log_summary(summary, self.folder)
        return summary

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Remove documents in one transaction; returns the ids that there were."""
        deleted = self._stored.delete(list(ids))
        update_indexes(self._stored)
        return deleted

    def get(self, document_id: str) -> Document | None:
        """None for an unknown id."""
        return self._stored.document(document_id)

    def __contains__(self, document_id: object) -> bool:
        return isinstance(document_id, str) and self._stored.digest(document_id) is not None

    def __len__(self) -> int:
        return self._stored.statistics().documents

    def __iter__(self) -> Iterator[Document]:
        """All documents, in the order in which they came; a few at a time are read."""
        return self._stored.all_documents()

    def languages(self) -> dict[str, int]:
        """Documents by language (ISO 639-1), the most frequent first."""
        return dict(self._stored.statistics().documents_by_language)


__all__ = ["Collection", "Document", "Options", "Progress", "Summary"]

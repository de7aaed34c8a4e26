"""Documents: read, added, replaced, deleted, one or many."""

from __future__ import annotations

import json
from collections.abc import Iterator

from anyio import from_thread, to_thread
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from indexer.documents import Document
from indexer.errors import DocumentError
from indexer.summary import Summary
from search_api.bulk_lines import document_of_line, numbered_lines
from search_api.document_schemas import BulkBody, DocumentBody, LineErrorBody, StoredDocumentBody, WrittenBody
from search_api.routes.common import VERSION, errors, opened
from search_api.writing import OF_A_FILE, Writer

router = APIRouter(tags=["documents"])

_NAMED = 1_000
"""Lines with errors that are named before the rest are only counted."""
_BULK_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"id": "a", "text": "The ban."}\n{"id": "b", "text": "禁令"}\n',
            }
        },
    }
}


@router.get("/documents/{document_id:path}", responses=errors(404, 503), response_model=StoredDocumentBody)
def get_document(request: Request, document_id: str) -> Response:
    """A document as it is stored, with its whole text."""
    with opened(request).store.current() as store:
        document, version = store.document(document_id), store.version
    if document is None:
        raise HTTPException(404, f"no document {_shown(document_id)}")
    # Not by pydantic, for which further fields of files may be too deep.
    content = json.dumps(dict(StoredDocumentBody.of(document)), ensure_ascii=False, allow_nan=False)
    return Response(content, media_type="application/json", headers={VERSION: str(version)})


@router.post("/documents", responses={201: {"model": WrittenBody}, **errors(400, 403, 409, 413, 422, 503)})
def put_document(request: Request, response: Response, body: DocumentBody) -> WrittenBody:
    """Add a document, or replace the one with this id: 201 for a new one. The next search finds it."""
    writer = _writer(request)
    try:
        document = body.document()
    except DocumentError as error:
        raise HTTPException(422, f"text: {error}") from error
    summary = writer.put([document])
    if summary.skipped:
        raise HTTPException(409, f"{_shown(document.id)}: {OF_A_FILE}")
    response.status_code = 201 if summary.added else 200
    _say_version(request, response)
    status = "added" if summary.added else "changed" if summary.changed else "unchanged"
    return WrittenBody(id=document.id, status=status)


@router.post("/documents/bulk", responses=errors(400, 403, 413, 503), openapi_extra=_BULK_BODY)
async def put_documents(request: Request, response: Response) -> BulkBody:
    """Add or replace documents, a JSON object a line, read as they come. Lines that are no documents are named, and the
    others go in; what was stored stays when the connection breaks."""
    writer = _writer(request)
    stream = request.stream()

    async def next_chunk() -> bytes | None:
        return await anext(stream, None)

    def chunks() -> Iterator[bytes]:
        while (chunk := from_thread.run(next_chunk)) is not None:
            yield chunk

    many = _Many(chunks())
    try:
        await to_thread.run_sync(many.written_by, writer)
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection broke before the end") from error
    await to_thread.run_sync(_say_version, request, response)
    return many.body()


@router.delete("/documents/{document_id:path}", status_code=204, responses=errors(403, 404, 503))
def delete_document(request: Request, document_id: str) -> Response:
    """Remove a document. One of an indexed file stays away until the file changes."""
    if not _writer(request).delete([document_id]):
        raise HTTPException(404, f"no document {_shown(document_id)}")
    response = Response(status_code=204)
    _say_version(request, response)
    return response


class _Many:
    """The lines of a request, and what has become of them."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._summary = Summary()
        self._errors: list[LineErrorBody] = []
        self._more = 0

    def written_by(self, writer: Writer) -> None:
        writer.put(self._documents(), self._summary)

    def _documents(self) -> Iterator[Document]:
        for number, line in numbered_lines(self._chunks):
            try:
                document = document_of_line(line)
            except DocumentError as error:
                self._wrong(number, str(error))
                continue
            skipped = len(self._summary.skipped)
            yield document
            if len(self._summary.skipped) > skipped:  # it was looked at before the next one is asked for
                self._wrong(number, f"{_shown(document.id)}: {self._reason()}")

    def _reason(self) -> str:
        reason = self._summary.skipped[-1].reason
        return reason if "in this run" in reason else OF_A_FILE  # which does not name the file

    def _wrong(self, number: int, detail: str) -> None:
        if len(self._errors) < _NAMED:
            self._errors.append(LineErrorBody(line=number, detail=detail))
        else:
            self._more += 1

    def body(self) -> BulkBody:
        own = self._summary
        return BulkBody(
            added=own.added, changed=own.changed, unchanged=own.unchanged, errors=self._errors, more_errors=self._more
        )


def _writer(request: Request) -> Writer:
    writer = opened(request).writer
    if writer is None:
        raise HTTPException(
            403, "this collection cannot be changed here: it is the sample; serve one of your own with --collection"
        )
    return writer


def _say_version(request: Request, response: Response) -> None:
    with opened(request).store.current() as store:
        response.headers[VERSION] = str(store.version)


def _shown(document_id: str) -> str:
    return repr(document_id if len(document_id) <= 80 else f"{document_id[:79]}…")

"""The process that encodes, from the side of the one that needs it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from contextlib import ExitStack

from indexer.errors import ModelError
from search_api.encoding.place import READY, new_place

_LOG = logging.getLogger(__name__)
_PATIENCE = 5.0
"""Seconds for the process to end by itself."""
_PAUSE = 1.0
"""Seconds before one that has died is begun again."""


class EncoderProcess:
    """Encodes at `place` until it is closed; when it dies, it is begun again at the same place."""

    def __init__(self, model: str) -> None:
        """Raises ModelError, in one line, where there is no such model or it cannot be used."""
        self._model = model
        self._closing = threading.Event()
        self._lock = threading.Lock()
        with ExitStack() as stack:
            self.place = stack.enter_context(new_place())
            self._process = self._begun()
            stack.callback(self._end)
            self._watch = threading.Thread(target=self._begin_again, name="watch encoder", daemon=True)
            self._watch.start()
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._closing.set()
        self._stack.close()

    def _begun(self) -> subprocess.Popen[str]:
        """With one thread for matrices: there may be as many processes as cores."""
        run = f"from {__package__}.work import Place, work; work({self._model!r}, Place.of(input()))"
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", run],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
            process_group=0,  # a Ctrl-C is for the one that began it
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{self.place.text()}\n")  # not where others can see it
            process.stdin.flush()
            said = process.stdout.readline().strip()
        except OSError:
            said = ""
        process.stdout.close()
        if said != READY:
            process.kill()
            process.wait()
            process.stdin.close()
            raise ModelError(said or "the process that encodes queries ended while it loaded the model")
        return process

    def _end(self) -> None:
        with self._lock:
            process = self._process
        if process.stdin is not None:
            process.stdin.close()  # that is how it learns that it is no longer needed
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _begin_again(self) -> None:
        while True:
            status = self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            if self._closing.is_set():
                return
            _LOG.error("the process that encodes queries has ended (exit status %d); another one begins", status)
            while not self._closing.wait(_PAUSE):
                try:
                    begun = self._begun()
                except ModelError as error:
                    _LOG.error("%s", error)
                    continue
                with self._lock:
                    self._process = begun
                if self._closing.is_set():
                    self._end()
                break
            else:
                return

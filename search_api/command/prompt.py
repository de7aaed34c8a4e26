"""`search -i`: one question after the other, with what was asked before at hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

from indexer.errors import SearchError
from search_api.command.history import History
from search_api.command.output import write
from search_api.command.session import Session
from search_api.command.wanted import MODES, MOST_HITS, Wanted, conditions_of, date_bounds, languages_of
from search_api.hit_fields import AnswerFields, HitFields

_HELP = """\
Type a question, in any language. Arrow keys bring back earlier ones; Ctrl-C stops, Ctrl-D or :quit ends.
  :open N             open the file or web page of hit N
  :full N             the whole document of hit N, at the sentence that answers
  :more               the next hits
  :lang ar ja         only passages in these languages; :lang alone for all
  :source NAME        only documents of this source; :source alone for all
  :since DATE         from YYYY, YYYY-MM, YYYY-MM-DD on, or the last 7d, 2w, 3m, 1y; :until DATE up to it
  :where FIELD:VALUE  only documents with this in a field of their own; :where alone for all
  :mode NAME          hybrid, semantic or lexical
  :help               this
"""


class Prompt:
    """A conversation; filters stay until they are changed."""

    def __init__(
        self, session: Session, wanted: Wanted, notice: Callable[[str], None], history: History | None = None
    ) -> None:
        self._session = session
        self._wanted = wanted
        self._notice = notice
        self._history = history or History()
        self._last: tuple[Wanted, AnswerFields] | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "open": lambda text: self._session.open(self._hit("open", text)),
            "full": lambda text: self._session.show(self._hit("full", text)),
            "more": lambda text: self._more(),
            "lang": lambda text: self._set(lang=languages_of([text])),
            "source": lambda text: self._set(source=(text,) if text else ()),
            "since": lambda text: self._set_dates(text, self._wanted.date_to),
            "until": lambda text: self._set_dates(self._wanted.date_from, text),
            "where": lambda text: self._set(where=conditions_of([text] if text else [])),
            "mode": self._set_mode,
            "help": lambda text: write(_HELP),
        }

    def converse(self) -> None:
        """Until the end of input. Raises SearchError where there is nothing to search."""
        self._begin()
        while (line := self._line()) is not None:
            if line in (":q", ":quit", ":exit"):
                return
            try:
                self._obey(line)
            except SearchError as error:
                self._notice(str(error))
            except KeyboardInterrupt:
                self._notice("stopped")
            sys.stdout.flush()

    def _begin(self) -> None:
        if not self._session.answer.is_warm:
            self._session.answer.prepared()  # so that the first question is answered as fast as the others
        self._session.tell_sample()
        with suppress(ImportError):
            import readline  # lines can be edited, and brought back; there is none on Windows, whose consoles can

            readline.set_history_length(-1)
            for line in self._history.lines():
                readline.add_history(line)
            readline.set_completer(self._completed)
            readline.set_completer_delims(" ")
            readline.parse_and_bind("tab: complete")
        if sys.stdin.isatty():
            write("A question in any language, or :help\n")

    def _completed(self, text: str, state: int) -> str | None:
        names = [f":{name}" for name in (*self._commands, "quit") if text and f":{name}".startswith(text)]
        return f"{names[state]} " if state < len(names) else None

    def _line(self) -> str | None:
        """None at the end of input."""
        while True:
            try:
                line = input("search> " if sys.stdin.isatty() else "").strip()
            except KeyboardInterrupt:
                write("\n")
                continue
            except EOFError:
                if sys.stdin.isatty():
                    write("\n")
                return None
            if line:
                return line

    def _obey(self, line: str) -> None:
        if not line.startswith(":"):
            asked = self._wanted.asking(line)
            self._history.add(line)
            self._ask(asked)
            return
        name, _, text = line[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise SearchError(f":{name} is no command; :help shows all")
        command(text.strip())

    def _ask(self, asked: Wanted) -> None:
        answer = self._session.answer(asked)
        self._last = (asked, answer)
        self._session.print(answer)
        if not answer["hits"]:
            self._session.tell_none(asked)

    def _more(self) -> None:
        asked, answer = self._asked()
        offset = asked.offset + asked.limit
        if len(answer["hits"]) < asked.limit or offset >= MOST_HITS:
            raise SearchError("there are no more hits")
        self._ask(asked._replace(offset=offset, limit=min(asked.limit, MOST_HITS - offset)))

    def _hit(self, name: str, text: str) -> HitFields:
        asked, answer = self._asked()
        if not text.isdecimal() or len(text) > 4:
            raise SearchError(f":{name} {text}, expected the number of a hit, as in :{name} 1")
        return self._session.hit(answer, asked, int(text))

    def _asked(self) -> tuple[Wanted, AnswerFields]:
        if self._last is None:
            raise SearchError("nothing was asked yet; type a question first")
        return self._last

    def _set_dates(self, since: str, until: str) -> None:
        first, last = date_bounds(since or None, until or None)
        self._set(date_from=first, date_to=last)

    def _set_mode(self, text: str) -> None:
        if text not in MODES:
            raise SearchError(f":mode {text}, expected {', '.join(MODES)}")
        self._set(mode=text)

    def _set(self, **filters: object) -> None:
        """From the next question on; the last one is asked again, since that is what filters are for."""
        self._wanted = self._wanted._replace(**filters)  # type: ignore[arg-type]
        if self._last is not None:
            self._ask(self._wanted._replace(q=self._last[0].q))

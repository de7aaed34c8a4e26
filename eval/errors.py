"""What a user of the evaluation can mend, as one line."""

from indexer.errors import SearchError


class DatasetError(SearchError):
    """A dataset that is missing something, or whose files do not fit together."""


class MeasureError(SearchError):
    """The measuring library is not installed."""


class ResultError(SearchError):
    """A folder of results that is not there, not whole, or does not fit another."""

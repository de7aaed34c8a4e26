"""The one tree of errors. Each message is a single line: what was got, what was expected, what to do.

SearchError
├── DocumentError      a file or a line that cannot become a document
├── ModelError         a model that cannot be found or loaded
├── CollectionError    a collection that cannot be read or written
│   └── ModelMismatch  a collection made with another model than the one in use
├── QueryError         a query that cannot be answered
└── SettingsError      an option or environment variable that makes no sense
"""


class SearchError(Exception):
    """Anything a user can mend; command lines print it as one line and exit with 2."""


class DocumentError(SearchError):
    """A file, or a line of one, that cannot become a document."""


class MissingPackage(DocumentError):
    """A format that another package reads, which is not installed."""


class ModelError(SearchError):
    """A model that cannot be found, read or used."""


class CollectionError(SearchError):
    """A collection that cannot be opened, read or written."""


class ModelMismatch(CollectionError):
    """A collection whose vectors come from another model than the one in use."""


class QueryError(SearchError):
    """A query that cannot be encoded or answered."""


class SettingsError(SearchError):
    """An option or environment variable that makes no sense."""

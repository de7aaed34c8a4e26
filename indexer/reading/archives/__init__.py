"""Archives (ZIP, tar) and packed files (gzip, bzip2, xz) -> what lies in them, read as files are.

Nothing is written under the names that an archive gives, and what is unpacked of one file, at whatever depth, is
counted together.
"""

from indexer.reading.archives.archive import read

__all__ = ["read"]

"""Searching as tools of the Model Context Protocol, for programs in which a language model works."""

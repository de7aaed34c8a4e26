"""Queries are encoded by a process of their own.

What encoding and ranking do between the calls of numpy is Python, of which a process does one thing at a time, however
many threads it has. So there is one process that encodes, for all that serve: it takes the queries that wait together,
so that the model's weights are read once for them. They talk in pickles, over a socket that only the user reaches and
only who knows its key may use.
"""

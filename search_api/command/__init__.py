"""The parts of the command `search`; `search_api/cli.py` is its entry."""

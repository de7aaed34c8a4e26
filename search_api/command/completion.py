"""`--completion`: a script that completes options in a shell, made from the options; languages and sources are those of
the collection."""

from __future__ import annotations

import argparse

from indexer import glance
from indexer.errors import SearchError
from search_api.command import completion_scripts
from search_api.command.completion_scripts import Option
from search_api.command.options import search_parser
from search_api.command.place import place_of

_SECONDS = 0.5
_OF_COLLECTION = {"--lang": "languages", "--source": "sources"}
_FOLDERS = ("--collection", "--model")


def values(kind: str, options: argparse.Namespace) -> list[str]:
    """Languages or sources of the collection, for a shell; none where they cannot be had at once."""
    try:
        folder = place_of(options).folder
        if folder is None:
            return []
        return glance.languages(folder) if kind == "languages" else glance.sources(folder, _SECONDS)
    except SearchError:
        return []


def script(shell: str) -> str:
    """For bash, zsh or fish."""
    return {"bash": completion_scripts.bash, "zsh": completion_scripts.zsh, "fish": completion_scripts.fish}[shell](
        _options()
    )


def _options() -> list[Option]:
    shown = (action for action in search_parser()._actions if action.help != argparse.SUPPRESS)
    return [_option(action) for action in shown if action.option_strings]


def _option(action: argparse.Action) -> Option:
    names = list(action.option_strings)
    takes = "anything"
    if action.nargs == 0:
        takes = "nothing"
    elif action.choices:
        takes = "choice"
    elif names[-1] in _OF_COLLECTION:
        takes = _OF_COLLECTION[names[-1]]
    elif names[-1] in _FOLDERS:
        takes = "folder"
    return Option(names, str(action.help or ""), takes, [str(choice) for choice in action.choices or ()])

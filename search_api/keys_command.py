"""`search-serve keys add | list | rm`: who may use the service."""

from __future__ import annotations

import argparse
import sys

from search_api.keys import SCOPES, add_key, read_keys, remove_key
from search_api.settings import ServiceSettings


def add_keys_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The subcommand `keys`."""
    keys = subparsers.add_parser("keys", help="make, list and remove API keys", description=__doc__)
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a key and show it, this once")
    add.add_argument("name", metavar="NAME", help="whose it is; access logs say so")
    add.add_argument("--scope", choices=SCOPES, default="read", help="read: search; write: change documents too (read)")
    listing = actions.add_parser("list", help="names and scopes")
    remove = actions.add_parser("rm", help="remove a key; a running server refuses it within a second")
    remove.add_argument("name", metavar="NAME")
    for parser in (add, listing, remove):
        parser.add_argument("--keys", metavar="FILE", help="the file of keys (SEARCH_KEYS)")


def run_keys_command(options: argparse.Namespace) -> int:
    """Exit status 0; SettingsError for what cannot be done."""
    given = {"keys": options.keys} if options.keys is not None else {}
    file = ServiceSettings.from_environment(given).keys_file()
    if options.action == "add":
        sys.stdout.write(add_key(file, options.name, options.scope) + "\n")
        sys.stderr.write("search-serve: keep this key now; only its hash is stored, so it is not shown again\n")
    elif options.action == "rm":
        remove_key(file, options.name)
    elif file.exists():
        for key in read_keys(file):
            sys.stdout.write(f"{key.name}\t{key.scope}\t{key.created}\n")
    return 0

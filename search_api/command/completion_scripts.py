"""The options of `search` -> completion scripts for shells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Option(NamedTuple):
    """An option as a shell needs it."""

    names: list[str]
    help: str
    takes: str
    """`nothing`, `choice`, `languages`, `sources`, `folder`, or `anything`."""
    choices: list[str]


_BASH = r"""# Completion of `search` for bash: source <(search --completion bash)
_search_offer() {
    local line
    while IFS= read -r line; do
        if [[ $line == "$1"* ]]; then COMPREPLY+=("$(printf '%q' "$line")"); fi
    done
}

_search() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} place
    local -a which=()
    for ((place = 1; place < COMP_CWORD; place++)); do
        case ${COMP_WORDS[place]} in
            --sample) which=(--sample) ;;
            --collection) which=(--collection "${COMP_WORDS[place+1]/#\~/$HOME}") ;;
        esac
    done
    COMPREPLY=()
    case $previous in
@CASES@
        *) if [[ $current == -* ]]; then _search_offer "$current" <<< $'@NAMES@'; fi ;;
    esac
}
complete -F _search search
"""
_BASH_VALUES = '_search_offer "$current" < <("${COMP_WORDS[0]}" ${which[@]+"${which[@]}"} --complete %s 2> /dev/null)'


def bash(options: Sequence[Option]) -> str:
    """To be sourced; works with version 3.2, which macOS has."""
    cases = [f"        {'|'.join(own.names)}) {_bash_case(own)} ;;" for own in options if own.takes != "nothing"]
    names = r"\n".join(name for own in options for name in own.names)
    return _BASH.replace("@CASES@", "\n".join(cases)).replace("@NAMES@", names)


def _bash_case(option: Option) -> str:
    if option.takes == "choice":
        return '_search_offer "$current" <<< $' + "'" + r"\n".join(option.choices) + "'"
    if option.takes == "folder":
        return '_search_offer "$current" < <(compgen -d -- "$current")'
    return ":" if option.takes == "anything" else _BASH_VALUES % option.takes


_ZSH = r"""#compdef search
# Completion of `search` for zsh: put this into a file _search in a folder of $fpath, or source it after compinit.
_search_values() {
    local -a which found
    local place=${words[(I)--collection]}
    if (( ${words[(I)--sample]} )); then which=(--sample); fi
    if (( place )); then which=(--collection ${~words[place+1]}); fi
    found=(${(f)"$(${words[1]} $which --complete $1 2> /dev/null)"})
    compadd -a found
}

_search() {
    _arguments -s -S \
@OPTIONS@
        '*:question:'
}

if [[ $funcstack[1] == _search ]]; then _search "$@"; else compdef _search search; fi
"""


def zsh(options: Sequence[Option]) -> str:
    """To be autoloaded or sourced."""
    return _ZSH.replace("@OPTIONS@", "\n".join(f"        {_zsh_option(own)} \\" for own in options))


def _zsh_option(option: Option) -> str:
    told = re.sub(r"([\[\]:\\])", r"\\\1", option.help).replace("'", r"'\''")
    names = f"'({' '.join(option.names)})'{{{','.join(option.names)}}}" if len(option.names) > 1 else ""
    head = f"{names}'" if names else f"'*{option.names[0]}"
    return f"{head}[{told}]{_zsh_value(option)}'"


def _zsh_value(option: Option) -> str:
    if option.takes == "nothing":
        return ""
    if option.takes == "choice":
        return f":value:({' '.join(option.choices)})"
    if option.takes == "folder":
        return ":folder:_files -/"
    return ":value:" if option.takes == "anything" else f":value:_search_values {option.takes}"


_FISH = """# Completion of `search` for fish: search --completion fish > ~/.config/fish/completions/search.fish
function __search_values
    set -l words (commandline -opc)
    set -l which
    for place in (seq (count $words))
        switch $words[$place]
            case --sample
                set which --sample
            case --collection
                set which --collection $words[(math $place + 1)]
        end
    end
    command $words[1] $which --complete $argv[1] 2>/dev/null
end

complete -c search -f
"""


def fish(options: Sequence[Option]) -> str:
    """For the user's folder of completions."""
    return _FISH + "".join(f"complete -c search {_fish_option(own)}\n" for own in options)


def _fish_option(option: Option) -> str:
    names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    told = option.help.replace("\\", "\\\\").replace("'", "\\'")
    return " ".join([*names, *_fish_value(option), f"-d '{told}'"])


def _fish_value(option: Option) -> list[str]:
    if option.takes == "nothing":
        return []
    if option.takes == "choice":
        return ["-x", f"-a '{' '.join(option.choices)}'"]
    if option.takes == "folder":
        return ["-x", "-a '(__fish_complete_directories)'"]
    return ["-x"] if option.takes == "anything" else ["-x", f"-a '(__search_values {option.takes})'"]

"""Completion for the fish shell, made from the parser: shtab knows bash and zsh."""

from __future__ import annotations

import argparse

from qenex.cli.parser import build_parser


def fish_completion() -> str:
    lines = ["# fish completion for qenex", "complete -c qenex -f"]
    _walk(build_parser(), [], lines)
    return "\n".join(lines)


def _walk(parser: argparse.ArgumentParser, path: list[str], lines: list[str]) -> None:
    seen = " ".join(f"; and __fish_seen_subcommand_from {verb}" for verb in path).removeprefix("; and ")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names = " ".join(action.choices)
            condition = f"{seen}; and " if seen else ""
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, child in action.choices.items():
                test = f"{condition}not __fish_seen_subcommand_from {names}"
                lines.append(f"complete -c qenex -n {_quoted(test)} -a {name} -d {_quoted(helps.get(name, ''))}")
                _walk(child, [*path, name], lines)
            continue
        if action.help == argparse.SUPPRESS:
            continue
        words = [f"-n {_quoted(seen)}"] if seen else []
        words += [
            f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}" for option in action.option_strings
        ]
        if action.choices:
            words.append(f"-a {_quoted(' '.join(map(str, action.choices)))}")
        if action.option_strings:
            needs = action.nargs != 0
            if needs and not action.choices:
                words.append("-r -F")
            lines.append(f"complete -c qenex {' '.join(words)} -d {_quoted(action.help or '')}")
        elif action.metavar in ("FILE", "FOLDER"):
            lines.append(f"complete -c qenex {' '.join(words)} -F")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

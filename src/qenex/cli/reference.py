"""docs/cli.md out of the parser: `python -m qenex.cli.reference > docs/cli.md`. A test keeps the page fresh."""

from __future__ import annotations

import argparse
import sys

from qenex.cli.parser import EXIT_CODES, build_parser

HEAD = """# Commands

This page is made from the parser by `python -m qenex.cli.reference`; do not edit it by hand.

    qenex [--data DIR] VERB ... [--json]

- `--data DIR` names the bank's folder; without it, `./data`. Both options may stand before or after the verb.
- `--json` answers with JSON on stdout, one document on one line (`pay`: one line per file). Amounts in JSON are strings of minor
  units; amounts in arguments are decimals, exact, with at most the currency's decimals.
- Data goes to stdout, talk to stderr. A refusal is one line on stderr: what, where, `[CODE]`, and what to do. The codes are
  explained in [refusals.md](refusals.md).
- While a bank runs in the folder (`qenex up`), every command is carried out by it, over a socket that only this user can open.
- `NO_COLOR` switches colours off; without a terminal there are none.
- Secrets come from the environment: `QENEX_PASSPHRASE`, `QENEX_PASSPHRASE_FILE` or `QENEX_KEY_FILE` instead of
  `master.key` in the folder.

"""


def reference() -> str:
    """The whole page."""
    parts = [HEAD, "```text\n", EXIT_CODES, "```\n"]
    _describe(build_parser(), parts)
    return "".join(parts)


def _describe(parser: argparse.ArgumentParser, parts: list[str]) -> None:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for child in action.choices.values():
            if any(isinstance(inner, argparse._SubParsersAction) for inner in child._actions):
                _describe(child, parts)
            else:
                _verb(child, parts)


def _verb(parser: argparse.ArgumentParser, parts: list[str]) -> None:
    name = parser.prog
    parts.append(f"\n## {name}\n\n{parser.description}\n\n")
    rows = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or action.dest in ("help", "data", "json"):
            continue
        label = ", ".join(action.option_strings)
        value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
        if action.choices is not None:
            value = " or ".join(map(str, action.choices))
        words = f"{label} {value}".strip() if action.nargs != 0 else label
        if not action.option_strings and action.nargs == "?":
            words = f"[{words}]"
        rows.append((words, action.help or ""))
    if rows:
        parts.append("| argument | meaning |\n|---|---|\n")
        parts += [f"| `{words}` | {text} |\n" for words, text in rows]
        parts.append("\n")
    examples = (parser.epilog or "").partition("examples:\n")[2]
    parts.append("```sh\n" + "\n".join(line.strip() for line in examples.splitlines()) + "\n```\n")


if __name__ == "__main__":
    sys.stdout.write(reference())

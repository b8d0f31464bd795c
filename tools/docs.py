"""Write the pages that are made from the code and from other pages. `--check` only says which ones are out of date."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from qenex.values import REFUSALS, RefusalCode

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFUSALS_INTRODUCTION = """# Refusals

<!-- Written by `make docs` from the code. -->

A refusal is an expected "no": a value with a stable code that scripts may rely on, a sentence for a person, the place in
the input when there is one, and what to do about it. On the command line it is one line on the error output and exit
code 1, or 2 when the command itself was wrong. Words in braces stand for what the refusal was about.
"""

DECISIONS_INTRODUCTION = """# Decisions

<!-- Written by `make docs` from the pages. -->

A decision that closes doors gets a page: what was chosen, what was refused, and why. Start from
[the template](0000-template.md).

"""


def registered() -> dict[str, list[RefusalCode]]:
    """The codes of each package, in the order in which it registers them."""
    packages: dict[str, list[RefusalCode]] = {}
    seen: set[str] = set()
    source = ROOT / "src"
    # The package `values` comes first: all others import it, so that its codes would else be counted as theirs.
    modules = sorted(source.glob("qenex/**/refusals.py"), key=lambda path: (path.parent.name != "values", path))
    for number, path in enumerate(modules):
        # Read without their packages: the registry is complete, but nothing of the bank is loaded.
        spec = spec_from_file_location(f"refusals_{number}", path)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{path} cannot be loaded")
        spec.loader.exec_module(module_from_spec(spec))
    owners = {path: path.read_text(encoding="utf-8") for path in modules}
    for code, entry in REFUSALS.items():
        for path, text in owners.items():
            if f'"{code}"' in text and code not in seen:
                seen.add(code)
                packages.setdefault(".".join(path.parent.relative_to(source).parts), []).append(entry)
    unplaced = set(REFUSALS) - seen
    if unplaced:
        raise SystemExit(f"registered outside a module refusals.py: {', '.join(sorted(unplaced))}")
    return packages


def refusals_page() -> str:
    """Every refusal code, by package."""
    parts = [REFUSALS_INTRODUCTION]
    for package, entries in sorted(registered().items()):
        parts.append(f"\n## {package}\n")
        for entry in entries:
            parts.append(
                f"\n### {entry.code}\n\n> {entry.sentence}\n\n{entry.meaning}\n\n"
                f"**What to do:** {entry.fix} Exit code {entry.exit_code}.\n"
            )
    return "".join(parts)


def decisions_page() -> str:
    """Every decision page with its title."""
    parts = [DECISIONS_INTRODUCTION]
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if title is None:
            raise SystemExit(f"{path.name} has no title")
        # A title may repeat its number; the list shows it once.
        name = re.sub(r"^(ADR )?\d{4}[ .:-]*", "", title[1])
        if path.name != "0000-template.md":
            parts.append(f"- {path.name[:4]} [{name}]({path.name})\n")
    return "".join(parts)


PAGES = {DOCS / "refusals.md": refusals_page, DOCS / "decisions" / "index.md": decisions_page}


def main() -> int:
    code = 0
    for path, write in PAGES.items():
        text = write()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv[1:]:
            print(f"out of date: {path.relative_to(ROOT)}", file=sys.stderr)
            code = 1
        else:
            path.write_text(text, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())

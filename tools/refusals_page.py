"""Write docs/refusals.md from the registry of refusal codes. `--check` only says whether the page is up to date."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from qenex.values import REFUSALS, RefusalCode

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "refusals.md"
INTRODUCTION = """# Refusals

<!-- Written by `make docs` from the code. -->

A refusal is an expected "no": a value with a stable code that scripts may rely on, a sentence for a person, the place in
the input when there is one, and what to do about it. On the command line it is one line on the error output and exit
code 1, or 2 when the command itself was wrong. Words in braces stand for what the refusal was about.
"""


def registered() -> dict[str, list[RefusalCode]]:
    """The codes of each package, in the order in which it registers them."""
    packages: dict[str, list[RefusalCode]] = {}
    seen: set[str] = set()
    source = ROOT / "src"
    # The package `values` comes first: all others import it, so that its codes would else be counted as theirs.
    modules = sorted(source.glob("qenex/**/refusals.py"), key=lambda path: (path.parent.name != "values", path))
    for path in modules:
        import_module(".".join(path.relative_to(source).with_suffix("").parts))
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


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for package, entries in sorted(registered().items()):
        parts.append(f"\n## {package}\n")
        for entry in entries:
            parts.append(
                f"\n### {entry.code}\n\n> {entry.sentence}\n\n{entry.meaning}\n\n"
                f"**What to do:** {entry.fix} Exit code {entry.exit_code}.\n"
            )
    return "".join(parts)


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

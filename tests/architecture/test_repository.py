"""Rules about the repository itself: what may stand in tracked files, and what every package and code must have."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import qenex

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "qenex"


def tracked_files() -> list[Path]:
    """What git tracks; in an unpacked archive without git there is nothing to look at."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def test_lock_files_name_no_registry_host() -> None:
    for lock in sorted((ROOT / "requirements").iterdir()):
        text = text_of(lock)
        assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links", text), lock.name


def test_every_locked_requirement_has_an_exact_version_and_hashes() -> None:
    for name in ("run", "build", "dev"):
        text = text_of(ROOT / "requirements" / f"{name}.txt").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert lines, name
        for line in lines:
            assert re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line[:80]


def test_every_dependency_is_explained_with_its_licence() -> None:
    explained = text_of(ROOT / "docs" / "decisions" / "0001-dependencies.md")
    for name in ("run", "build", "dev"):
        lock = text_of(ROOT / "requirements" / f"{name}.txt")
        locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", lock, re.MULTILINE))
        asked = re.findall(r"^([A-Za-z0-9-]+)[><=]=", text_of(ROOT / "requirements" / f"{name}.in"), re.MULTILINE)
        assert asked, name
        for dependency in asked:
            version = locked[dependency.lower()]
            row = re.search(
                rf"^\| {re.escape(dependency)} \| {re.escape(version)} \| [^|]+ \| [^|]+ \|", explained, re.M
            )
            assert row is not None, f"{dependency} {version} has a row in docs/decisions/0001-dependencies.md"


# Written in two halves, so that this file does not name what it forbids.
@pytest.mark.parametrize("path", ["/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/", "/Us" + "ers/", "/tmp/" + "plan"])
def test_tracked_files_name_no_path_of_one_machine(path: str) -> None:
    found = [file.relative_to(ROOT) for file in tracked_files() if path.encode() in file.read_bytes()]
    # A path inside an image or service file that we write ourselves is not of one machine.
    assert [str(file) for file in found if file.parts[0] != "deploy"] == []


def test_tracked_files_are_sources_and_not_what_is_made_from_them() -> None:
    for file in tracked_files():
        assert file.suffix not in {".so", ".o", ".a", ".pyc"}, file
        assert file.stat().st_size < 5_000_000, file


def test_every_package_says_what_it_is_for() -> None:
    for door in sorted(SOURCE.rglob("__init__.py")):
        docstring = ast.get_docstring(ast.parse(text_of(door)))
        assert docstring, door.relative_to(ROOT)
        assert docstring.splitlines()[0].endswith("."), door.relative_to(ROOT)


def test_every_module_says_what_it_is_about() -> None:
    for module in sorted(SOURCE.rglob("*.py")):
        assert ast.get_docstring(ast.parse(text_of(module))), module.relative_to(ROOT)


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
    assert [path for path in SOURCE.rglob("*.py") if path.stem in drawers] == []


def test_every_decision_page_is_listed_and_numbered_once() -> None:
    folder = ROOT / "docs" / "decisions"
    index = text_of(folder / "index.md")
    pages = sorted(page.name for page in folder.glob("[0-9]*.md"))
    assert "0001-dependencies.md" in pages
    assert [page for page in pages if f"({page})" not in index] == []
    numbers = [page[:4] for page in pages if page[:4] != "0000"]
    assert len(numbers) == len(set(numbers)), "no two decisions share a number"


def test_every_cited_standard_is_in_the_bibliography() -> None:
    known = set(re.findall(r"^([A-Za-z0-9.-]+):", text_of(ROOT / "docs/standards/bibliography.yml"), re.MULTILINE))
    cited = {}
    for folder in ("src", "core"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in {".py", ".c", ".h"}:
                for key in re.findall(r"\[([A-Z][A-Z0-9]+(?:-[A-Za-z0-9.]+)+)\]", text_of(file)):
                    cited.setdefault(key, str(file.relative_to(ROOT)))
    assert {key: place for key, place in cited.items() if key not in known} == {}


def test_every_link_between_our_pages_leads_somewhere() -> None:
    broken = []
    for page in tracked_files():
        if page.suffix != ".md" or page.name == "0000-template.md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page)):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_pages_made_from_the_code_are_fresh() -> None:
    checked = subprocess.run([sys.executable, "tools/docs.py", "--check"], cwd=ROOT, check=False)
    assert checked.returncode == 0, "run `make docs`"


def test_every_refusal_code_has_a_test() -> None:
    codes = re.findall(r"^### ([A-Z0-9_]+)$", text_of(ROOT / "docs" / "refusals.md"), re.MULTILINE)
    assert codes
    tests = "".join(
        text_of(path) for path in sorted((ROOT / "tests").rglob("*.py")) if path.parent != Path(__file__).parent
    )
    # A code is exercised where it is named, also as the end of a longer text like "1 rejected: CODE".
    assert [code for code in codes if not re.search(rf"(?<![A-Z0-9_]){code}(?![A-Z0-9_])", tests)] == []


def test_the_names_of_the_mission_lead_to_ours() -> None:
    from qenex import Account, BankingCore, LedgerEntry, Transaction
    from qenex.books import Books
    from qenex.ledger import Account as OurAccount
    from qenex.ledger import LedgerEntry as OurLedgerEntry
    from qenex.ledger import Transfer

    assert (BankingCore, Account, Transaction, LedgerEntry) == (Books, OurAccount, Transfer, OurLedgerEntry)
    assert set(qenex.__all__) <= set(dir(qenex))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        qenex.Nothing  # type: ignore[attr-defined]


def test_the_package_has_one_version_and_one_command() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert project["version"] == qenex.__version__
    assert project["scripts"] == {"qenex": "qenex.main:main"}
    (command,) = [point for point in entry_points(group="console_scripts") if point.name == "qenex"]
    assert callable(command.load())


def test_every_page_can_be_reached_from_the_index() -> None:
    start = ROOT / "docs" / "index.md"
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        for target in re.findall(r"\]\(([^)#\s:]+\.md)(?:#[^)]*)?\)", text_of(page)):
            linked = (page.parent / target).resolve()
            if linked.exists() and linked not in reached:
                reached.add(linked)
                waiting.append(linked)
    pages = set((ROOT / "docs").rglob("*.md"))
    assert sorted(str(page.relative_to(ROOT)) for page in pages - reached) == []


def test_importing_the_package_loads_nothing_else() -> None:
    script = "import sys, qenex; print(*(name for name in sys.modules if name.startswith('qenex.') or name == 'numpy'))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""

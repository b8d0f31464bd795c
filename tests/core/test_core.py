"""The C core by itself: what it is built from, and what it does under sanitizers and with every branch counted.

What it decides is compared with the specification in tests/ledger; here stand the things that only C can get wrong.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
SOURCES = sorted((CORE / "src").glob("*.c"))
FLAGS = ["-std=c17", "-ffreestanding", "-fvisibility=hidden", f"-I{CORE}/include", f"-I{CORE}/src"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
WORLD = [CORE / "fuzz" / "world.c", CORE / "fuzz" / "driver.c"]
DIRECTED = [ROOT / "tests" / "core" / "directed.c"]

LINES, BRANCHES = 99.5, 97.0
"""Per cent of the core's lines and branches that these tests reach; what they do not is named in core/README.md."""


def run(*command: object, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def objects(folder: Path, *flags: str) -> list[Path]:
    """The core's sources compiled one by one."""
    for source in SOURCES:
        run("gcc", *FLAGS, *flags, "-c", source, "-o", folder / f"{source.stem}.o")
    return [folder / f"{source.stem}.o" for source in SOURCES]


def program(folder: Path, sources: list[Path], core: list[Path], *flags: str) -> Path:
    out = folder / sources[-1].stem
    run("gcc", "-std=gnu17", "-O1", "-g", f"-I{CORE}/include", *flags, *sources, *core, "-o", out)
    return out


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    folder = tmp_path_factory.mktemp("sanitized")
    return folder, objects(folder, "-O1", "-g", "-fno-strict-aliasing", *SANITIZERS)


@pytest.mark.parametrize("optimised", ["-O0", "-O2", "-O3"])
def test_the_core_compiles_without_a_warning(tmp_path: Path, optimised: str):
    objects(tmp_path, optimised, *WARNINGS)


def test_the_core_calls_nothing_but_memcpy_and_memset(tmp_path: Path):
    whole = tmp_path / "core.o"
    run("gcc", "-r", "-nostdlib", *objects(tmp_path, "-O2"), "-o", whole)
    assert set(re.findall(r" U (\S+)", run("nm", "-u", whole))) <= {"memcpy", "memset"}


def test_the_core_shows_only_names_that_begin_with_qx(tmp_path: Path):
    library = tmp_path / "core.so"
    run("gcc", "-shared", *objects(tmp_path, "-O2", "-fPIC"), "-o", library)
    names = re.findall(r" T (\S+)", run("nm", "-D", "--defined-only", library))
    declared = set(re.findall(r"\b(qx_\w+)\(", (CORE / "include" / "qenex" / "core.h").read_text()))
    assert names and all(name.startswith("qx_") for name in names)
    assert set(names) == declared, "what the header declares is what is there"


def test_random_worlds_hold_together_under_sanitizers(sanitized: tuple[Path, list[Path]]):
    """Five ledgers with the same batches: unsealed, sealed, replayed, reloaded, and without failed chains."""
    folder, core = sanitized
    print(run(program(folder, WORLD, core, *SANITIZERS), 1, 40))


def test_what_random_worlds_do_not_reach_holds_under_sanitizers(sanitized: tuple[Path, list[Path]]):
    folder, core = sanitized
    run(program(folder, DIRECTED, core, *SANITIZERS))


def test_every_line_and_nearly_every_branch_is_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    core = objects(tmp_path, "-O0", "-g", "--coverage")
    run(program(tmp_path, WORLD, core, "--coverage"), 3, 90, cwd=tmp_path)
    run(program(tmp_path, DIRECTED, core, "--coverage"), cwd=tmp_path)
    report = run("gcov", "-b", "-c", *core, cwd=tmp_path)
    totals = {"Lines executed": [0.0, 0.0], "Taken at least once": [0.0, 0.0]}
    for file, body in re.findall(r"File '(.*?)'\n(.*?)\n\n", report, flags=re.DOTALL):
        if "core/src" not in file:
            continue
        for name, total in totals.items():
            for percent, count in re.findall(rf"{name}:([\d.]+)% of (\d+)", body):
                total[0] += float(percent) * int(count) / 100
                total[1] += int(count)
    lines, branches = (100 * reached / count for reached, count in totals.values())
    with capsys.disabled():
        print(f"\ncore/src: {lines:.2f} % of lines, {branches:.2f} % of branches reached")
    assert lines >= LINES and branches >= BRANCHES


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_random_worlds_hold_together_for_long(sanitized: tuple[Path, list[Path]]):
    folder, core = sanitized
    driver = program(folder, WORLD, core, *SANITIZERS)
    for seed in range(int(os.environ.get("SEED", "100")), int(os.environ.get("SEED", "100")) + 100):
        print(f"seed {seed}")
        run(driver, seed, 200)


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_a_fuzzer_finds_no_world_that_falls_apart(tmp_path: Path):
    """libFuzzer chooses the bytes for FUZZ_SECONDS (300)."""
    if shutil.which("clang") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        run("apt-get", "install", "-y", "-q", "clang", environment={"DEBIAN_FRONTEND": "noninteractive"})
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed, and only root may install it: apt-get install clang")
    fuzzer = tmp_path / "fuzzer"
    run(
        "clang",
        "-g",
        "-O1",
        "-std=gnu17",
        "-fno-strict-aliasing",
        "-fsanitize=fuzzer,address,undefined",
        f"-I{CORE}/include",
        f"-I{CORE}/src",
        *SOURCES,
        CORE / "fuzz" / "world.c",
        CORE / "fuzz" / "fuzz.c",
        "-o",
        fuzzer,
    )
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seconds = int(os.environ.get("FUZZ_SECONDS", "300"))
    done = subprocess.run(
        [fuzzer, f"-max_total_time={seconds}", "-max_len=20000", f"-artifact_prefix={tmp_path}/", corpus],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    print(done.stderr[-300:])

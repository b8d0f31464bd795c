"""The command line as such: quick, quiet, complete, and the same words everywhere."""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.commands import BINARY, Here, Process

from qenex.cli.output import Output
from qenex.cli.parser import build_parser
from qenex.values import REFUSALS

PACKAGES = ("cli", "payments", "products", "reporting")


def verbs(
    parser: argparse.ArgumentParser | None = None, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    parser = parser or build_parser()
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                inner = verbs(child, (*path, name))
                found += inner or [((*path, name), child)]
    return found


def test_help_starts_within_150_milliseconds_of_processor_time() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(5):
        subprocess.run([str(BINARY), "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds / 5 < 0.150


@pytest.mark.parametrize("path", [path for path, _ in verbs()], ids=" ".join)
def test_every_verb_has_help_with_examples_json_and_a_function(path: tuple[str, ...]) -> None:
    parser = dict(verbs())[path]
    assert "examples:" in (parser.epilog or "")
    assert f"qenex {path[0]}" in (parser.epilog or "").replace("--data ./mybank ", "").replace(
        "--data ./demo ", ""
    ).replace("--data ./again ", "")
    assert any("--json" in action.option_strings for action in parser._actions)
    module, _, name = parser.get_default("run").partition(":")
    assert callable(getattr(importlib.import_module(f"qenex.cli.verbs.{module}"), name))


def test_options_may_stand_before_and_after_the_verb(tmp_path: Path) -> None:
    Here(tmp_path / "bank")("init")
    for words in (("--json", "account", "list"), ("account", "list", "--json")):
        assert Here(tmp_path / "bank")(*words).json == []
    ran = Process(tmp_path / "elsewhere", tmp_path)("account", "list", "--json", "--data", str(tmp_path / "bank"))
    assert ran.json == []


def test_version_and_help_leave_with_0_and_no_verb_with_2(tmp_path: Path) -> None:
    qenex = Process(tmp_path)
    assert qenex("--version").out.startswith("qenex ")
    assert "examples:" in qenex("pay", "--help").out
    qenex(code=2)


def test_wrong_usage_is_one_line_that_names_the_help(tmp_path: Path) -> None:
    error = Process(tmp_path)("transfer", "A", code=2).err
    assert len(error.splitlines()) == 1
    assert "--help" in error


@pytest.mark.parametrize(("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", None), ("fish", None)])
def test_completion_knows_every_verb(shell: str, check: list[str] | None, tmp_path: Path) -> None:
    script = Here(tmp_path)("completion", shell).out
    for path, _ in verbs():
        assert path[-1] in script
    if check:
        subprocess.run(check, input=script, text=True, check=True)


def test_tables_have_no_colour_without_a_terminal_nor_with_no_color(tmp_path: Path) -> None:
    import io

    for terminal, colour, escapes in ((False, False, False), (True, False, False), (True, True, True)):
        out = io.BytesIO()
        Output(out, out, stdout_is_terminal=terminal, colour=colour).table(["a"], [["1"]])
        assert (b"\x1b[" in out.getvalue()) is escapes
    ran = subprocess.run(
        [str(BINARY), "chart"], cwd=tmp_path, capture_output=True, env={**os.environ, "NO_COLOR": "1"}, check=False
    )
    assert b"\x1b" not in ran.stdout


def test_a_reader_that_stops_early_is_no_fault(tmp_path: Path) -> None:
    Here(tmp_path / "bank")("init")
    command = f"{BINARY} --data {tmp_path / 'bank'} account list --internal --json | head -c 1"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert ran.stderr == b""


def test_python_m_qenex_is_the_same_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "qenex", "--version"], capture_output=True, check=True)
    assert ran.stdout.startswith(b"qenex ")


def test_a_bug_is_one_line_and_exit_code_70(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import qenex.cli.verbs.bookkeeping as verb

    def broken(_bank: object) -> None:
        raise ZeroDivisionError("oh\nno")

    qenex = Here(tmp_path / "bank")
    qenex("init")
    monkeypatch.delenv("QENEX_DEBUG", raising=False)
    monkeypatch.setattr(verb, "sum_up", broken)
    ran = qenex("trial-balance", code=70)
    assert len(ran.err.splitlines()) == 1
    assert "oh no" in ran.err


@pytest.mark.parametrize("package", PACKAGES)
def test_every_refusal_code_of_ours_has_a_test(package: str) -> None:
    root = Path(__file__).resolve().parents[1]
    texts = "".join(
        path.read_text() for folder in ("cli", "payments") for path in sorted((root / folder).glob("test_*.py"))
    )
    module = importlib.import_module(f"qenex.{package}.refusals")
    source = Path(str(module.__file__)).read_text()
    codes = [code for code in REFUSALS if f'"{code}"' in source]
    assert codes
    assert [code for code in codes if code not in texts] == []


def test_texts_of_others_do_not_command_the_terminal(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    qenex("init")
    qenex("customer", "add", "Eve \x1b[2J\x07")
    assert "\x1b" not in qenex("customer", "list").out


def test_doctor_says_what_is_wrong_and_changes_nothing(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    assert all(
        finding["ok"] for finding in qenex("doctor", "--json", code=None).json if finding["what"] != "free space"
    )
    assert not (tmp_path / "bank").exists()
    qenex("init")
    (tmp_path / "bank").chmod(0o755)
    wrong = {finding["what"] for finding in qenex("doctor", "--json", code=1).json if not finding["ok"]}
    assert "folder" in wrong

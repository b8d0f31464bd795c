"""docs/receipts.md says what happens: its commands are run and its programs give what it promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from tests.chain.worlds import signers, witness

from qenex.chain import LeafKind, SignatureType, format_key_file, parse_key_file, parse_note
from qenex.chain.notes import ML_DSA_65_IDENTIFIER
from qenex.chain.receipts import FORMAT
from qenex.values import Refusal

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "receipts.md").read_text(encoding="utf-8")
RECEIPT = ROOT / "tests" / "chain" / "data" / "example-receipt.json"
CONSOLE = re.findall(r"```console\n\$ (.*?)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "expected"), CONSOLE, ids=range(len(CONSOLE)))
def test_the_commands_of_the_page_print_what_it_shows(command: str, expected: str) -> None:
    command = command.replace("python", sys.executable, 1)
    answer = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S602
    assert answer.stdout == expected


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.mark.skipif(not all(map(shutil.which, ("jq", "openssl"))), reason="needs jq and openssl")
def test_the_shell_lines_check_the_signature_without_our_code(tmp_path: Path) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    script = "set -e\n" + block("sh")
    answer = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "Signature Verified Successfully\n"), answer.stderr
    changed = script.replace("openssl", "sed -i s/1000/1001/ text\nopenssl")
    answer = subprocess.run(["sh", "-c", changed], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode != 0


def test_the_python_lines_check_the_inclusion_without_our_code(tmp_path: Path) -> None:
    script = [sys.executable, "-I", "-c", block("python")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    answer = subprocess.run(
        [*script, str(RECEIPT)], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    assert answer.stdout == "entry of the log bank.example/log\n"
    forged = tmp_path / "forged.json"
    forged.write_text(RECEIPT.read_text().replace("index 731", "index 730"))
    answer = subprocess.run([*script, str(forged)], capture_output=True, text=True, check=False, env=environment)
    assert answer.returncode != 0


def test_the_ml_dsa_65_line_is_fips_204_with_the_documented_context() -> None:
    keys = parse_key_file((ROOT / "tests/chain/data/example.keys").read_text())
    note = parse_note(RECEIPT.read_text().partition("\\n\\n")[2].partition('",\n')[0].replace("\\n", "\n"))
    assert not isinstance(keys, Refusal)
    assert not isinstance(note, Refusal)
    public = MLDSA65PublicKey.from_public_bytes(keys[1].public_key)
    public.verify(note.signatures[1].signature, note.text.encode(), b"qenex-note-ml-dsa-65-v1")
    with pytest.raises(InvalidSignature):
        public.verify(note.signatures[1].signature, note.text.encode())


def test_the_page_names_the_constants_of_the_code() -> None:
    assert f"`{FORMAT}`" in PAGE
    assert f"`{ML_DSA_65_IDENTIFIER.decode()}`" in PAGE
    for type_ in SignatureType:
        assert f"| {type_.title} | `{type_.value[:1].hex()}`" in PAGE
    for kind in LeafKind:
        assert f"`{kind.title}`" in PAGE
    assert [kind.value for kind in LeafKind] == [1, 2, 3, 4, 16]


def test_the_example_files_are_those_of_the_test_keys() -> None:
    assert (ROOT / "tests/chain/data/example.keys").read_text() == format_key_file(signers().verifier_keys)
    assert witness(1).verifier_key.encode() in (ROOT / "tests/chain/data/example.policy").read_text()

"""The C beneath the tree, compiled once more with every check a compiler offers, at every length that it tells apart."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.chain import merkle_by_the_book as book

SOURCE = Path(__file__).resolve().parents[2] / "src" / "qenex" / "chain" / "merkle.c"

# Every buffer is exactly as long as the contract says, so that one byte too far is found.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include "MERKLE"

static void print_hex(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
    printf("\n");
}

int main(void) {
    for (size_t n = 0; n <= 20; n++) {
        uint8_t *records = malloc(n * 128 + 1), *out = malloc(n * 32 + 1);
        for (size_t i = 0; i < n * 128; i++) records[i] = (uint8_t)(i * 31 + n);
        qx_leaf_hashes(2, records, n, out);
        print_hex(out, n * 32);
        free(records);
        free(out);
    }
    for (size_t n = 1; n <= 257; n += 1) {
        uint8_t *nodes = malloc(n * 32), *out = malloc(32);
        for (size_t i = 0; i < n * 32; i++) nodes[i] = (uint8_t)(i * 7);
        qx_tree_hash(nodes, n, out);
        print_hex(out, 32);
        free(nodes);
        free(out);
    }
    for (size_t used = 0; used < 256; used += 51)
        for (size_t n = 0; n <= 1100; n += 1 + n / 3) {
            uint8_t *tail = malloc(256 * 32), *hashes = malloc(n * 32 + 1), *out = malloc((used + n) / 256 * 32 + 1);
            uint32_t count = (uint32_t)used;
            for (size_t i = 0; i < used * 32; i++) tail[i] = (uint8_t)(i * 7);
            for (size_t i = 0; i < n * 32; i++) hashes[i] = (uint8_t)((i + used * 32) * 7);
            size_t roots = qx_fold_tiles(tail, &count, hashes, n, out);
            printf("%zu %u ", roots, count);
            print_hex(out, roots * 32);
            print_hex(tail, count * 32);
            free(tail);
            free(hashes);
            free(out);
        }
    return 0;
}
"""


def pattern(count: int) -> list[bytes]:
    whole = bytes(i * 7 % 256 for i in range(count * 32))
    return [whole[i : i + 32] for i in range(0, len(whole), 32)]


def expected() -> list[str]:
    lines = []
    for n in range(21):
        records = bytes((i * 31 + n) % 256 for i in range(n * 128))
        lines.append("".join(book.leaf(b"\x02" + records[i : i + 128]).hex() for i in range(0, len(records), 128)))
    lines += [book.mth(pattern(n)).hex() for n in range(1, 258)]
    for used in range(0, 256, 51):
        n = 0
        while n <= 1100:
            hashes = pattern(used + n)
            full = len(hashes) // 256
            roots = "".join(book.mth(hashes[i * 256 : (i + 1) * 256]).hex() for i in range(full))
            lines.append(f"{full} {len(hashes) % 256} {roots}")
            lines.append("".join(value.hex() for value in hashes[full * 256 :]))
            n += 1 + n // 3
    return lines


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_sanitizers_find_nothing_and_every_hash_is_that_of_the_definition(tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text(PROGRAM.replace("MERKLE", str(SOURCE)))
    command = ["gcc", "-std=c17", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "program.c", "-o", "program", "-lcrypto"]
    subprocess.run(command, cwd=tmp_path, check=True)
    answer = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == expected()

"""How fast leaves are hashed and stored, and receipts proved, signed and checked. One core, medians of 5 runs.

The yardstick is SHA-256 by the same library, of the same 128-byte records as one message, in the same run. A leaf takes
3 compressions and its share of the inner nodes 2 more, where one long message takes 2 for as many bytes; so 2/5 of that
rate is what no code over this library can pass.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qenex.chain import (
    LeafKind,
    MerkleLog,
    Signers,
    VerifiedReceipt,
    build_receipt,
    leaf_hashes,
    sign_checkpoint,
    verify_receipt,
)
from qenex.chain.hashing import OpenTile

BATCH = 8190
ROUNDS = 5


def median_seconds(run: Callable[[], object], *, cpu: bool = False) -> float:
    clock = time.process_time if cpu else time.perf_counter
    times = []
    for _ in range(ROUNDS):
        started = clock()
        run()
        times.append(clock() - started)
    return statistics.median(times)


def say(name: str, value: float, unit: str, goal: float | None = None, better: str = "more", note: str = "") -> None:
    figure = {"benchmark": f"chain: {name}", "value": value, "unit": unit, "goal": goal, "better": better, "note": note}
    print(json.dumps(figure), flush=True)


def hashing(records: np.ndarray) -> None:
    hashes = np.empty((BATCH, 32), dtype=np.uint8)
    batches = 20

    def leaves() -> None:
        for _ in range(batches):
            leaf_hashes(LeafKind.TRANSFER, records, hashes)

    def nodes() -> None:
        for _ in range(batches):
            tile = OpenTile()
            tile.fold(tile.fold(hashes))

    def raw() -> None:
        for _ in range(batches):
            hashlib.sha256(records).digest()

    leaves()
    leaf_time, node_time, raw_time = (median_seconds(run, cpu=True) for run in (leaves, nodes, raw))
    per_second, raw_per_second = batches * BATCH / (leaf_time + node_time), batches * BATCH / raw_time
    share = per_second / raw_per_second / (2 / 5)
    say("leaves hashed, leaf and inner nodes", per_second, "/s", 4_000_000, note=f"{share:.0%} of what SHA-256 allows")
    say("raw SHA-256 of the same records", raw_per_second, "/s", note="the yardstick")


def log_and_receipts(records: np.ndarray, count: int, folder: Path) -> None:
    signers = Signers.from_seeds("benchmark.example/log", bytes(range(32)), bytes(range(1, 33)))
    with MerkleLog.open(folder) as log:
        started = time.perf_counter()
        while log.size < count:
            log.append(leaf_hashes(LeafKind.TRANSFER, records))
        appended = log.size / (time.perf_counter() - started)
        say("leaves hashed and appended", appended, "/s", note=f"{log.size:,} leaves into files, before sync")
        say("sync", (_timed(log.sync)) * 1e3, "ms", better="less", note="all of them at once")
        stored = sum(path.stat().st_size for path in folder.iterdir())
        say("disk per leaf", stored / log.size, "bytes", 33, "less")
        size = log.size
        indices = np.random.default_rng(3).integers(0, size, 200).tolist()

        def proofs() -> None:
            for index in indices:
                log.inclusion_proof(index, size)

        def consistency() -> None:
            for index in indices:
                log.consistency_proof(index + 1, size)

        each = f"in a log of {size:,} leaves"
        say("root", median_seconds(log.root) * 1e3, "ms", 1, "less", each)
        say("inclusion proof", median_seconds(proofs) / len(indices) * 1e3, "ms", 1, "less", each)
        say("consistency proof", median_seconds(consistency) / len(indices) * 1e3, "ms", 1, "less", each)
        sign_time = statistics.median(_timed(lambda: sign_checkpoint(signers, size, log.root())) for _ in range(51))
        say("checkpoint: root and both signatures", sign_time * 1e3, "ms", 30, "less", each)
        note = sign_checkpoint(signers, size, log.root())

        def build(index: int) -> str:
            record = records[index % BATCH].tobytes()
            return build_receipt(LeafKind.TRANSFER, record, index, log.inclusion_proof(index, size), note)

        receipts = [build(index) for index in indices]
        built = median_seconds(lambda: [build(index) for index in indices]) / len(indices)
        say("receipt built under a checkpoint", built * 1e3, "ms", 1, "less", each)

        def verify() -> None:
            for receipt in receipts:
                if not isinstance(verify_receipt(receipt, signers.verifier_keys), VerifiedReceipt):
                    raise SystemExit("a receipt did not verify")

        say(
            "receipt verified",
            median_seconds(verify) / len(receipts) * 1e3,
            "ms",
            2,
            "less",
            f"{len(receipts[0])} bytes",
        )


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--leaves", type=int, help="size of the log, by default 20,000,000 or with --quick 1,000,000")
    arguments = parser.parse_args()
    records = np.random.default_rng(1).integers(0, 256, (BATCH, 128), dtype=np.uint8)
    hashing(records)
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        log_and_receipts(records, arguments.leaves or (1_000_000 if arguments.quick else 20_000_000), Path(folder))


if __name__ == "__main__":
    main()

"""A process that writes through Books until it is killed, and says what was acknowledged. Run as a program:

    python tests/books/writer.py FOLDER SEED [--seconds N] [--mark-device DEVICE --mark-at BYTE]

Three lanes write at once: `batches` (several batches in flight, with holds, posts and voids among the transfers) and two
lanes of single transfers. Each lane numbers its transfers 1, 2, 3, ...; transfer n of lane l has the id (l << 64) + n. After
an answer the process prints `LANE LAST`: every transfer of that lane up to LAST is acknowledged. With `--mark-device` the
last answers are also written to a raw block of that device, so that a log of the device's writes shows when they were given.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import sys
import threading
import time
from collections import deque

import numpy as np

from qenex.books import TRANSFER, Account, AccountFlags, Books, Transfer, TransferFlags
from qenex.chain import Signers

EUR = 978
ACCOUNTS = 50
BATCHES, SINGLES_1, SINGLES_2 = 1, 2, 3
LANES = (BATCHES, SINGLES_1, SINGLES_2)
IN_FLIGHT = 6
SETTINGS = {"segment_slots": 1 << 15, "generation_max": 1 << 16}
"""Small segments (4 MiB) and index generations: a run of seconds crosses segments, seals, merges and takes snapshots."""
MARK_BYTES = 4096


def signers() -> Signers:
    return Signers.from_seeds("faults.example/log", bytes([7] * 32), bytes([8] * 32))


def transfers(lane: int, first: int, count: int, seed: int) -> np.ndarray:
    """Transfers first to first + count - 1 of a lane: a function of lane, number and seed alone.

    Of every ten, number 3 is a hold that number 5 posts, number 7 a hold that number 8 voids."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    mixed = (numbers * np.uint64(2654435761) + np.uint64(seed * 97 + lane)) >> np.uint64(7)
    debit = mixed % np.uint64(ACCOUNTS)
    events = np.zeros(count, dtype=TRANSFER)
    events["id_lo"], events["id_hi"] = numbers, lane
    events["debit_account_id_lo"] = 1 + debit
    events["credit_account_id_lo"] = 1 + (debit + 1 + (mixed >> np.uint64(8)) % np.uint64(ACCOUNTS - 1)) % ACCOUNTS
    events["amount_lo"] = 1 + mixed % np.uint64(1000)
    events["ledger"], events["code"] = EUR, 1
    events["user_data_64"] = numbers % np.uint64(17)
    step = numbers % np.uint64(10)
    events["flags"][(step == 3) | (step == 7)] = TransferFlags.pending
    for at, behind, flag in (
        (5, 2, TransferFlags.post_pending_transfer),
        (8, 1, TransferFlags.void_pending_transfer),
    ):
        rows = step == at
        for name in ("debit_account_id_lo", "credit_account_id_lo", "ledger", "code", "user_data_64"):
            events[name][rows] = 0
        events["amount_lo"][rows] = np.uint64(2**64 - 1) if flag == TransferFlags.post_pending_transfer else 0
        events["amount_hi"][rows] = events["amount_lo"][rows]
        events["pending_id_lo"][rows], events["pending_id_hi"][rows] = numbers[rows] - np.uint64(behind), lane
        events["flags"][rows] = flag
    return events


def last_of(books: Books, lane: int) -> int:
    """The number of the lane's last transfer in the books; they are numbered without gaps."""
    known, unknown = 0, 1
    while len(books.lookup_transfers([(lane << 64) + unknown])):
        known, unknown = unknown, unknown * 2
    while unknown - known > 1:
        middle = (known + unknown) // 2
        if len(books.lookup_transfers([(lane << 64) + middle])):
            known = middle
        else:
            unknown = middle
    return known


class Writer:
    def __init__(self, books: Books, seed: int) -> None:
        self.books, self.seed = books, seed
        self.acknowledged = {lane: last_of(books, lane) for lane in LANES}
        self.saying = threading.Lock()

    def say(self, lane: int, last: int) -> None:
        with self.saying:
            self.acknowledged[lane] = last
            os.write(1, f"{lane} {last}\n".encode())

    def write_batches(self) -> None:
        rng = random.Random(self.seed)
        waiting: deque = deque()
        number = self.acknowledged[BATCHES]
        while True:
            while len(waiting) < IN_FLIGHT:
                count = rng.choice((1, 7, 100, 500, 2000))
                waiting.append((number + count, self.books.submit(transfers(BATCHES, number + 1, count, self.seed))))
                number += count
            last, answer = waiting.popleft()
            assert (answer.result()["status"] == 0xFFFFFFFF).all(), answer.result()
            self.say(BATCHES, last)

    def write_singles(self, lane: int) -> None:
        number = self.acknowledged[lane]
        while True:
            number += 1
            event = Transfer.of(transfers(lane, number, 1, self.seed)[0])
            status = self.books.transfer(event)
            assert status == 0xFFFFFFFF, status
            self.say(lane, number)

    def mark(self, device: str, at: int) -> None:
        descriptor = os.open(device, os.O_WRONLY | os.O_DIRECT)
        block = mmap.mmap(-1, MARK_BYTES)
        while True:
            with self.saying:
                content = json.dumps(self.acknowledged).encode()
            block[: len(content) + 1] = content + b"\n"
            os.pwrite(descriptor, block, at)
            time.sleep(0.005)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("seed", type=int)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--mark-device")
    parser.add_argument("--mark-at", type=int)
    options = parser.parse_args()

    def stop(failure: BaseException) -> None:
        os.write(2, f"stopped: {type(failure).__name__}: {failure}\n".encode())
        os._exit(9)

    def run(work, *arguments) -> None:  # type: ignore[no-untyped-def]
        try:
            work(*arguments)
        except BaseException as failure:
            stop(failure)

    try:
        books = Books.open(options.folder, signers=signers(), **SETTINGS)
        accounts = [
            Account(id=1 + n, ledger=EUR, code=1, flags=AccountFlags.history * (n % 2)) for n in range(ACCOUNTS)
        ]
        assert set(books.create_accounts(accounts).tolist()) <= {0xFFFFFFFF, 21}
        writer = Writer(books, options.seed)
    except BaseException as failure:
        stop(failure)
    os.write(1, b"ready\n")
    work = [(writer.write_batches,), *((writer.write_singles, lane) for lane in (SINGLES_1, SINGLES_2))]
    if options.mark_device:
        work.append((writer.mark, options.mark_device, options.mark_at))
    for task in work:
        threading.Thread(target=run, args=task, daemon=True).start()
    time.sleep(options.seconds or 3600)
    os.write(1, b"done\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

"""The power goes while the bank writes: a real kernel, a real ext4, and a disk that forgets what was not flushed."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

import pytest
from tests.books import oracle
from tests.books.writer import LANES, MARK_BYTES
from tests.faults import machine
from tests.faults.write_log import Disk, read_log

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(machine.why_not()), reason=machine.why_not() or "can run"),
]
KILLS = 5
CUTS = 40


def acknowledgements(console: bytes) -> dict[int, int]:
    """The last whole answer of each lane on the console."""
    said = dict.fromkeys(LANES, 0)
    for line in console.split(b"\n")[:-1]:
        words = line.split()
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[0]) in said:
            said[int(words[0])] = int(words[1])
    return said


def wait_until_ready(running: machine.Machine, seconds: float = 300) -> bytes:
    """Read the console until the writer writes. Emulated, Python takes a while to start."""
    assert running.process.stdout is not None
    console, end = b"", time.monotonic() + seconds
    while b"ready\n" not in console:
        byte = running.process.stdout.read(1)
        assert byte and time.monotonic() < end, f"the machine did not come up: {console.decode(errors='replace')}"
        console += byte
    return console


def read_for(running: machine.Machine, seconds: float) -> bytes:
    """What the console says for a while."""
    import os
    import select

    assert running.process.stdout is not None
    console, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([running.process.stdout], [], [], left)[0]:
            console += os.read(running.process.stdout.fileno(), 1 << 16)
    return console


def test_a_machine_that_loses_its_power_while_the_bank_writes_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """QEMU is killed: what the kernel had not written is gone. The same disk is used again and again."""
    rng = random.Random(1)
    disk = tmp_path / "disk"
    machine.new_disk(disk, 512)
    known = dict.fromkeys(LANES, 0)
    for cycle in range(KILLS):
        running = machine.start(tmp_path, disk, machine.writer_command(3))
        try:
            wait_until_ready(running)
            console = read_for(running, 1 + rng.random() * 6)
        finally:
            rest = running.cut_power()
        said = acknowledgements(console + rest)
        known = {lane: max(known[lane], said[lane]) for lane in LANES}
        with machine.mounted(disk, tmp_path / "mounted") as folder:
            recovered = oracle.check_folder(folder / "books", known, 3)
        print(f"cut {cycle}: acknowledged {known}, recovered {recovered.last}, lost 0, findings {recovered.findings}")
        known = recovered.last


def test_a_disk_that_forgets_what_was_not_flushed_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Every write and flush of a run is logged; the power is cut at many places of the log, and each time a random
    choice of the sectors written since the last flush is lost. What was acknowledged by then stands on the disk itself."""
    rng = random.Random(2)
    disk, log, cut_disk = tmp_path / "disk", tmp_path / "log", tmp_path / "cut"
    mark_at = machine.new_disk(disk, 384)
    shutil.copyfile(disk, tmp_path / "base")
    more = ("--seconds", "20", "--mark-device", "/dev/vda", "--mark-at", str(mark_at))
    running = machine.start(tmp_path, disk, machine.writer_command(4, *more), write_log=log)
    assert running.process.stdout is not None
    console = running.process.stdout.read()
    running.process.wait()
    assert b"done\n" in console, console.decode(errors="replace")
    entries = read_log(log)
    flushes = sum(entry.flush for entry in entries)
    assert flushes > 100, f"{flushes} flushes in {len(entries)} entries"
    marks = [number for number, entry in enumerate(entries) if entry.offset == mark_at and not entry.flush]
    assert marks, "no acknowledgement reached the disk"
    playing = Disk(tmp_path / "base", log, entries)
    total_lost = 0
    try:
        for cut in sorted(rng.sample(range(marks[0] + 1, len(entries)), CUTS)):
            last_mark = entries[max(number for number in marks if number < cut)]
            with log.open("rb") as file:
                file.seek(last_mark.at)
                said = json.loads(file.read(MARK_BYTES).split(b"\n")[0])
            known = {int(lane): number for lane, number in said.items()}
            lost = playing.copy_cut_at(cut, rng, cut_disk)
            with machine.mounted(cut_disk, tmp_path / "mounted") as folder:
                recovered = oracle.check_folder(folder / "books", known, 4)
            total_lost += lost
            print(
                f"cut at {cut} of {len(entries)}: {lost} sectors lost, acknowledged {known}, recovered {recovered.last}"
            )
    finally:
        playing.close()
    assert total_lost > 0, "no cut lost anything: the model was not tried"
    print(
        f"{CUTS} cuts in {len(entries)} writes and {flushes} flushes, {total_lost} sectors lost, acknowledged lost = 0"
    )

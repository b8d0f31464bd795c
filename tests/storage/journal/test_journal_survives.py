"""The journal's promise under every fault: acknowledged is a subset of recovered, recovered is a prefix of what was
written, and the hash chain is valid. Each test prints nothing and needs nothing but its seed."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from qenex.storage.journal.disk import RealDisk
from qenex.storage.journal.faults import JournalCorrupt, JournalInUse, JournalStopped, JournalWriteFailed
from qenex.storage.journal.format import SLOT, worst_case_slots
from qenex.storage.journal.journal import MARK_COPIES, MARK_FILE, MARK_STRIDE, Journal, PreparedBatch

from .simulated_disk import Faults, PowerCut, SimulatedDisk

SEGMENT_SLOTS = 64  # small, so that a few batches cross segments


@dataclass
class History:
    """What a run wrote, and how much of it was acknowledged."""

    written: list[bytes] = field(default_factory=list)
    acknowledged: int = 0


def a_batch(rng: random.Random, number: int) -> tuple[np.ndarray, bytes, bytes]:
    count = rng.randint(1, 6)
    events = np.frombuffer(rng.randbytes(count * SLOT), dtype=np.uint8)
    statuses = rng.randbytes(4 * count) if rng.random() < 0.3 else b""
    attachments = rng.randbytes(32 * count) if rng.random() < 0.3 else b""
    return events, statuses, attachments


def append(journal: Journal, rng: random.Random, timestamp: int, history: History) -> None:
    events, statuses, attachments = a_batch(rng, timestamp)
    count = len(events) // SLOT
    start = journal.reserve(worst_case_slots(count, len(attachments)))
    batch = PreparedBatch(
        kind=2,
        count=count,
        resolved=0,
        accepted=count,
        timestamp=timestamp,
        first_leaf=0,
        start_slot=start,
        events=memoryview(events),
        statuses=statuses,
        attachments=attachments,
    )
    parts = [memoryview(events), statuses, attachments]
    total = 2 + count + -(-len(statuses) // SLOT) + -(-len(attachments) // SLOT)
    history.written.append(events.tobytes())
    journal.write_body(start, parts, total)
    journal.seal(batch)


def new_journal(disk: SimulatedDisk) -> Journal:
    return Journal.create(
        disk, journal_id=bytes(16), hash_seed=bytes(16), segment_slots=SEGMENT_SLOTS, work_ahead=False
    )


def run(disk: SimulatedDisk, seed: int, groups: int, history: History) -> None:
    """Create a journal and append `groups` groups of one to three batches."""
    rng = random.Random(seed)
    journal = new_journal(disk)
    timestamp = 0
    for _ in range(groups):
        for _ in range(rng.randint(1, 3)):
            timestamp += 1
            append(journal, rng, timestamp, history)
        journal.commit()
        history.acknowledged = len(history.written)


def recover(disk: SimulatedDisk) -> list[bytes]:
    journal = Journal.open(disk, segment_slots=SEGMENT_SLOTS, work_ahead=False)
    return [batch.events.tobytes() for batch in journal.replay(journal.genesis)]


def check(disk: SimulatedDisk, history: History) -> None:
    if not Journal.is_there(disk):
        assert history.acknowledged == 0, "an acknowledged journal vanished"
        new_journal(disk)  # what an interrupted creation left behind does not stand in the way
    recovered = recover(disk)
    assert history.written[: len(recovered)] == recovered, "recovered is not a prefix of what was written"
    assert len(recovered) >= history.acknowledged, "an acknowledged batch is gone"
    assert recover(disk) == recovered, "a second recovery differs from the first"
    journal = Journal.open(disk, segment_slots=SEGMENT_SLOTS, work_ahead=False)
    assert list(journal.replay(journal.genesis)) is not None
    more = History(written=list(recovered), acknowledged=len(recovered))
    append(journal, random.Random(1), 1 << 40, more)
    journal.commit()
    assert recover(disk) == more.written, "the journal does not go on after recovery"


def operations_of_a_run(seed: int, groups: int) -> int:
    disk = SimulatedDisk(seed)
    run(disk, seed, groups, History())
    return disk.operation


def test_what_was_written_is_read_back() -> None:
    disk, history = SimulatedDisk(1), History()
    run(disk, 1, 40, history)
    assert recover(disk) == history.written


@pytest.mark.parametrize("seed", range(6))
def test_a_power_cut_before_any_operation_loses_nothing_acknowledged(seed: int) -> None:
    for operation in range(1, operations_of_a_run(seed, 8) + 1):
        disk, history = SimulatedDisk(seed * 1000 + operation, Faults(cut_before=operation)), History()
        with pytest.raises(PowerCut):
            run(disk, seed, 8, history)
        check(disk.after_power_cut(), history)


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_before_any_operation_loses_nothing_acknowledged(seed: int) -> None:
    for operation in range(1, operations_of_a_run(seed, 8) + 1):
        disk, history = SimulatedDisk(seed, Faults(cut_before=operation)), History()
        with pytest.raises(PowerCut):
            run(disk, seed, 8, history)
        check(disk.after_kill(), history)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failed_write_or_sync_anywhere_stops_the_journal_and_loses_nothing(code: int) -> None:
    seed = 3
    for operation in range(1, operations_of_a_run(seed, 6) + 1):
        disk, history = SimulatedDisk(seed, Faults(fail={operation: code})), History()
        with pytest.raises((JournalWriteFailed, OSError)):
            run(disk, seed, 6, history)
        check(disk.after_power_cut(), history)


def test_a_failed_sync_is_never_tried_again() -> None:
    disk = SimulatedDisk(5)
    journal = new_journal(disk)
    append(journal, random.Random(5), 1, History())
    disk.faults.fail[disk.operation + 1] = errno.EIO
    with pytest.raises(JournalWriteFailed) as failed:
        journal.commit()
    assert failed.value.action == "fdatasync"
    before = disk.operation
    with pytest.raises(JournalStopped):
        journal.commit()
    with pytest.raises(JournalStopped):
        journal.reserve(4)
    assert disk.operation == before, "the stopped journal touched the disk again"


@pytest.mark.parametrize("kept", [0, 1, 10, 127])
def test_a_short_write_anywhere_is_finished(kept: int) -> None:
    seed = 7
    for operation in range(1, operations_of_a_run(seed, 3) + 1):
        disk, history = SimulatedDisk(seed, Faults(short={operation: kept})), History()
        if kept == 0:
            try:
                run(disk, seed, 3, history)
            except JournalWriteFailed:
                check(disk.after_kill(), history)
            continue
        run(disk, seed, 3, history)
        assert recover(disk) == history.written


def test_a_last_record_torn_at_any_byte_is_dropped_when_it_was_not_acknowledged() -> None:
    disk, history = SimulatedDisk(11), History()
    run(disk, 11, 4, history)
    journal = Journal.open(disk, segment_slots=SEGMENT_SLOTS, work_ahead=False)
    list(journal.replay(journal.genesis))
    name = f"segments/{journal.durable.slot >> 21:06d}.qxj"
    before = disk.files[name].cache.copy()
    begin = (journal.durable.slot & ((1 << 21) - 1)) * SLOT
    append(journal, random.Random(2), 1 << 30, history)
    after = disk.files[name].cache.copy()
    end = int(np.flatnonzero(after).max()) + 1
    assert end > begin
    for torn in range(begin, end):
        content = disk.files[name].cache
        content[:] = before
        content[begin:torn] = after[begin:torn]
        recovered = recover(disk)
        assert recovered == history.written[:-1], f"torn at byte {torn - begin}"
    disk.files[name].cache[:] = after
    assert recover(disk) == history.written, "a whole batch behind the mark is kept"


def test_a_flipped_bit_at_any_byte_is_found_and_located() -> None:
    disk, history = SimulatedDisk(13), History()
    run(disk, 13, 6, history)
    journal = Journal.open(disk, segment_slots=SEGMENT_SLOTS, work_ahead=False)
    used = {slot for batch in journal.replay(journal.genesis) for slot in range(batch.start_slot, batch.end_slot)}
    used |= {number << 21 for number in journal.segment_numbers()}
    for number in journal.segment_numbers():
        name = f"segments/{number:06d}.qxj"
        content = disk.files[name].cache
        for byte in range(len(content)):
            content[byte] ^= 1 << (byte % 8)
            damaged = Journal.open(disk, segment_slots=SEGMENT_SLOTS, checking=True, work_ahead=False)
            found = list(damaged.check())
            assert found, f"flip in {name} byte {byte} was not found"
            assert any(name in finding.place for finding in found), (name, byte, found)
            if (number << 21) + byte // SLOT in used:
                with pytest.raises(JournalCorrupt):
                    recover_copy(disk)
            content[byte] ^= 1 << (byte % 8)


def recover_copy(disk: SimulatedDisk) -> list[bytes]:
    return recover(disk.after_kill())


def test_a_flipped_bit_in_the_commit_mark_is_found_and_costs_nothing() -> None:
    disk, history = SimulatedDisk(17), History()
    run(disk, 17, 5, history)
    content = disk.files[MARK_FILE].cache
    for copy in range(MARK_COPIES):
        for byte in range(SLOT):
            content[copy * MARK_STRIDE + byte] ^= 4
            damaged = Journal.open(disk, segment_slots=SEGMENT_SLOTS, checking=True, work_ahead=False)
            assert any(MARK_FILE in finding.place for finding in damaged.check()), (copy, byte)
            assert recover_copy(disk) == history.written
            content[copy * MARK_STRIDE + byte] ^= 4


def test_an_acknowledged_last_batch_that_is_damaged_is_corruption_and_not_a_tail() -> None:
    disk, history = SimulatedDisk(19), History()
    run(disk, 19, 3, history)
    journal = Journal.open(disk, segment_slots=SEGMENT_SLOTS, work_ahead=False)
    *_, last = journal.replay(journal.genesis)
    name = f"segments/{last.start_slot >> 21:06d}.qxj"
    base = (last.start_slot & ((1 << 21) - 1)) * SLOT
    disk.files[name].cache[base : base + SLOT] = 0
    with pytest.raises(JournalCorrupt) as corrupt:
        recover(disk)
    assert corrupt.value.place == f"{name} byte {base}"


def test_a_stale_or_duplicated_block_is_found() -> None:
    disk, history = SimulatedDisk(23), History()
    run(disk, 23, 6, history)
    journal = Journal.open(disk, segment_slots=SEGMENT_SLOTS, work_ahead=False)
    batches = list(journal.replay(journal.genesis))
    first, second = batches[1], batches[2]
    same_segment = disk.files[f"segments/{second.start_slot >> 21:06d}.qxj"].cache
    source = disk.files[f"segments/{first.start_slot >> 21:06d}.qxj"].cache
    begin, end = [(slot & ((1 << 21) - 1)) * SLOT for slot in (first.start_slot, first.end_slot)]
    target = (second.start_slot & ((1 << 21) - 1)) * SLOT
    same_segment[target : target + end - begin] = source[begin:end]
    with pytest.raises(JournalCorrupt):
        recover(disk)


def test_time_never_runs_backwards_in_a_journal() -> None:
    disk = SimulatedDisk(29)
    journal = new_journal(disk)
    append(journal, random.Random(1), 100, History())
    append(journal, random.Random(2), 99, History())
    journal.commit()
    with pytest.raises(JournalCorrupt, match="time"):
        recover(disk)


@pytest.mark.parametrize("lost", [MARK_FILE, "segments/000000.qxj"])
def test_a_journal_that_lost_a_name_is_damage_and_is_not_created_anew(lost: str) -> None:
    disk, history = SimulatedDisk(37), History()
    run(disk, 37, 3, history)
    before = {name: content.cache.tobytes() for name, content in disk.files.items() if name != lost}
    del disk.files[lost]
    assert not Journal.is_there(disk)
    with pytest.raises(JournalCorrupt):
        new_journal(disk)
    assert before == {name: content.cache.tobytes() for name, content in disk.files.items()}


def test_one_writer_per_folder(tmp_path) -> None:
    first, second = RealDisk(tmp_path), RealDisk(tmp_path)
    first.lock("LOCK")
    with pytest.raises(JournalInUse):
        second.lock("LOCK")
    first.unlock()
    second.lock("LOCK")
    second.unlock()


def test_a_real_folder_gives_back_what_was_written(tmp_path) -> None:
    disk, history = RealDisk(tmp_path), History()
    rng = random.Random(31)
    journal = Journal.create(disk, journal_id=bytes(16), hash_seed=bytes(16), segment_slots=1 << 12)
    for timestamp in range(1, 400):
        append(journal, rng, timestamp, history)
        if timestamp % 7 == 0:
            journal.commit()
    journal.commit()
    journal.close()
    again = Journal.open(RealDisk(tmp_path), segment_slots=1 << 12)
    assert [batch.events.tobytes() for batch in again.replay(again.genesis)] == history.written
    assert not list(again.check())
    again.close()

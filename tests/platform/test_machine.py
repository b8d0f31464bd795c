"""The facts about the machine are read from the kernel, and a machine that tells nothing is a fault."""

import os
from pathlib import Path

import pytest

from qenex.platform import MachineUnreadable, file_system, this_machine

X86 = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu sse4_1 sha_ni avx2\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd aes sha1 sha2\nCPU implementer\t: 0x41\n"
OLD = "processor\t: 0\nmodel name\t: An Old Processor\nflags\t\t: fpu sse2\n"


def a_proc(folder: Path, cpuinfo: str, meminfo: str = "MemTotal:        2048 kB\nMemFree: 1 kB\n") -> Path:
    (folder / "cpuinfo").write_text(cpuinfo)
    (folder / "meminfo").write_text(meminfo)
    return folder


@pytest.mark.parametrize(("cpuinfo", "has_sha"), [(X86, True), (ARM, True), (OLD, False)])
def test_processor_and_memory_are_read(tmp_path: Path, cpuinfo: str, has_sha: bool) -> None:
    machine = this_machine(a_proc(tmp_path, cpuinfo))
    assert machine.has_sha_instructions is has_sha
    assert machine.memory_bytes == 2048 * 1024
    assert machine.cores == len(os.sched_getaffinity(0))
    assert machine.processor


def test_the_machine_fits_on_one_line(tmp_path: Path) -> None:
    line = str(this_machine(a_proc(tmp_path, X86)))
    assert line.startswith("A Processor (SHA instructions), ")
    assert "\n" not in line


def test_this_very_machine_can_be_read() -> None:
    assert this_machine().memory_bytes > 2**20


def test_a_machine_that_tells_nothing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(MachineUnreadable, match="cpuinfo") as fault:
        this_machine(tmp_path)
    assert fault.value.path == str(tmp_path / "cpuinfo")
    with pytest.raises(MachineUnreadable, match="meminfo"):
        this_machine(a_proc(tmp_path, X86, meminfo="MemFree: 1 kB\n"))


def test_the_last_and_deepest_mount_holds_a_path(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"overlay / overlay rw 0 0\n/dev/a {tmp_path} ext4 rw 0 0\n/dev/b {tmp_path} xfs rw 0 0\n"
        f"/dev/c {tmp_path}/with\\040blank btrfs rw 0 0\n"
    )
    assert file_system(tmp_path / "data", mounts) == "xfs"
    assert file_system(tmp_path / "with blank" / "data", mounts) == "btrfs"
    assert file_system(tmp_path.parent, mounts) == "overlay"
    mounts.write_text("")
    with pytest.raises(MachineUnreadable):
        file_system(tmp_path, mounts)
    assert file_system(tmp_path)

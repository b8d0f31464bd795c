"""Whatever happens to the process or its disk: nothing that was acknowledged is lost, and what is there is a prefix."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.books import oracle
from tests.books.writer import LANES

WRITER = Path(__file__).with_name("writer.py")


class Child:
    """A writing process; `acknowledged` is what it has said so far."""

    def __init__(self, folder: Path, seed: int, *more: str, before: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, str(WRITER), str(folder), str(seed), *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.acknowledged: dict[int, int] = {}
        self.ready = threading.Event()
        self.complaint = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._listen, self._hear_complaint)]
        for reader in self._readers:
            reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = line.split()
            if len(words) == 2 and line.endswith(b"\n"):
                self.acknowledged[int(words[0])] = int(words[1])
            elif line == b"ready\n":
                self.ready.set()
        self.ready.set()

    def _hear_complaint(self) -> None:
        assert self.process.stderr is not None
        self.complaint = self.process.stderr.read().decode()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self, timeout: float = 60) -> int:
        code = self.process.wait(timeout)
        for reader in self._readers:
            reader.join()
        return code


def kill_cycles(folder: Path, seed: int, cycles: int) -> dict[int, int]:
    rng = random.Random(seed)
    acknowledged = dict.fromkeys(LANES, 0)
    for cycle in range(cycles):
        child = Child(folder, seed)
        if rng.random() < 0.9:
            assert child.ready.wait(60)
            time.sleep(rng.random() ** 2 * 0.6)
        else:
            time.sleep(rng.random() * 0.6)  # while it starts or recovers
        child.kill()
        assert not child.complaint, f"seed {seed} cycle {cycle}: {child.complaint}"
        acknowledged |= child.acknowledged
        recovered = oracle.check_folder(folder, acknowledged, seed)
        assert all(recovered.last[lane] >= number for lane, number in acknowledged.items())
        acknowledged = recovered.last
        if sum(acknowledged.values()) > 400_000:  # keep the checks short: they read everything
            shutil.rmtree(folder)
            acknowledged = dict.fromkeys(LANES, 0)
    return acknowledged


@pytest.mark.parametrize("seed", [1, 2])
def test_a_process_killed_at_any_moment_loses_nothing_acknowledged(seed: int, tmp_path: Path) -> None:
    kill_cycles(tmp_path / "books", seed, 4)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 108))
def test_a_process_killed_200_times_loses_nothing_acknowledged(seed: int, tmp_path: Path) -> None:
    kill_cycles(tmp_path / "books", seed, 25)


# ---- system calls that fail ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def strace() -> str:
    if shutil.which("strace") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "strace"]):
            subprocess.run(command, capture_output=True, check=False)
    found = shutil.which("strace")
    assert found, "these tests need strace, and installing it takes root and Debian's mirror"
    return found


def write_until_it_stops(strace: str, folder: Path, injection: str, seed: int) -> tuple[Child, list[str]]:
    """Run the writer with a fault injected until it stops of itself; and the calls on the journal's files."""
    trace = folder.with_suffix(".trace")
    calls = injection.split(":")[0]
    child = Child(
        folder,
        seed,
        "--seconds",
        "20",
        before=(strace, "-f", "-y", "-o", str(trace), "-e", f"trace={calls},exit_group", "-e", f"inject={injection}"),
    )
    child.wait()
    return child, trace.read_text(errors="replace").splitlines()


SYNC_CALLS = [1, 2, 3, 4, 5, 8, 13, 30]


@pytest.mark.parametrize("nth", SYNC_CALLS)
def test_a_failed_sync_stops_the_process_and_is_never_tried_again(strace: str, nth: int, tmp_path: Path) -> None:
    folder = tmp_path / "books"
    child, trace = write_until_it_stops(strace, folder, f"fdatasync:error=EIO:when={nth}", nth)
    assert child.process.returncode == 9, (child.process.returncode, child.complaint)
    assert "Input/output error" in child.complaint
    assert "fdatasync of " in child.complaint, child.complaint
    failed = next(number for number, line in enumerate(trace) if "INJECTED" in line)
    name = trace[failed].split("<", 1)[1].split(">")[0]
    again = [line for line in trace[failed + 1 :] if "fdatasync(" in line and f"<{name}>" in line]
    assert not again, f"{name} was synced again after its sync had failed: {again[0]}"
    oracle.check_folder(folder, child.acknowledged, nth)


@pytest.mark.parametrize(
    ("nth", "fault"),
    [
        (nth, fault)
        for nth in (1, 3, 6, 9, 12, 20, 51, 102)
        for fault in ("error=ENOSPC", "error=EIO")
        if (nth + len(fault)) % 2 or nth < 10
    ],
)
def test_a_failed_write_stops_the_process_and_loses_nothing(strace: str, nth: int, fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "books"
    child, _ = write_until_it_stops(strace, folder, f"pwrite64:{fault}:when={nth}", nth)
    assert child.process.returncode == 9, (child.process.returncode, child.complaint)
    assert os.strerror(getattr(errno, fault.split("=")[1])) in child.complaint, child.complaint
    assert any(place in child.complaint for place in ("LOCK", "COMMIT", "segments/", "log/")), child.complaint
    oracle.check_folder(folder, child.acknowledged, nth)


# ---- a disk that is full ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["tmpfs", "ext4"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    else:
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(24 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        command = ["mount", "-o", "loop", str(image), str(place)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_stops_the_process_and_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    child = Child(small_disk / "books", 5, "--seconds", "30")
    assert child.wait() == 9, child.complaint
    assert "No space left on device" in child.complaint
    assert child.acknowledged[LANES[0]] > 10_000
    roomy = tmp_path / "moved"
    shutil.copytree(small_disk / "books", roomy)
    oracle.check_folder(roomy, child.acknowledged, 5)

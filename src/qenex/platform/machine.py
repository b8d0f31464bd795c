"""Facts about this machine that measurements and the status page name: processor, cores, memory, kernel, file system."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from qenex.values import Fault


class MachineUnreadable(Fault):
    """The kernel did not tell what every Linux tells. `path` is the file that was asked."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} does not say what it says on Linux"


@dataclass(frozen=True, slots=True)
class Machine:
    """One Linux machine as this process may use it. `cores` counts those it may run on, not those built in."""

    processor: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    has_sha_instructions: bool

    def __str__(self) -> str:
        sha = "SHA instructions" if self.has_sha_instructions else "no SHA instructions"
        return (
            f"{self.processor} ({sha}), {self.cores} cores, {self.memory_bytes / 2**30:.0f} GiB, "
            f"Linux {self.kernel}, Python {self.python}"
        )


def this_machine(proc: Path = Path("/proc")) -> Machine:
    """Read the facts from the kernel. `proc` is where its process file system is mounted."""
    facts = dict(_pairs(proc / "cpuinfo"))
    # x86 names a model and lists flags; Arm lists features, and names only numbers.
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return Machine(
        processor=facts.get("model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=_memory_bytes(proc / "meminfo"),
        kernel=platform.release(),
        python=platform.python_version(),
        has_sha_instructions="sha_ni" in flags or "sha2" in flags,
    )


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the file system that holds `path` (ext4, xfs, overlay, tmpfs, ...)."""
    target = path.resolve()
    holder, kind = Path("/"), ""
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, place, found, _ = line.split(" ", 3)
        # The kernel writes blanks in a place as octal escapes.
        mounted = Path(place.replace("\\040", " ").replace("\\011", "\t"))
        # A later mount on the same place hides an earlier one.
        if target.is_relative_to(mounted) and len(mounted.parts) >= len(holder.parts):
            holder, kind = mounted, found
    if not kind:
        raise MachineUnreadable(str(mounts))
    return kind


def _memory_bytes(meminfo: Path) -> int:
    total = dict(_pairs(meminfo)).get("MemTotal", "").removesuffix(" kB")
    if not total.isdecimal():
        raise MachineUnreadable(str(meminfo))
    return int(total) * 1024


def _pairs(path: Path) -> list[tuple[str, str]]:
    """The lines "name : value" of a file; of several processors the last one counts."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as cause:
        raise MachineUnreadable(str(path)) from cause
    return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in text.splitlines())]

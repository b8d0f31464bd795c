"""A machine that can lose its power: QEMU, Debian's kernel, this host's files read-only over 9p, and one ext4 disk.

Needs root and a Debian with its package mirror (QEMU, busybox and the kernel package are fetched when missing; nothing
is installed but QEMU and busybox). QEMU emulates the processor, so that nothing depends on nested virtualisation.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(tempfile.gettempdir()) / "qenex-power-cut"
MODULES = ("virtio_pci", "virtio_blk", "9pnet_virtio", "9p", "crc32c_generic", "ext4")
INIT = """#!/bin/busybox sh
for module in $(/bin/busybox cat /modules/order); do /bin/busybox insmod /modules/$module || echo "insmod $module failed"; done
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /host || echo "no 9p"
/bin/busybox mount -t proc proc /host/proc
/bin/busybox mount -t sysfs sysfs /host/sys
/bin/busybox mount -t devtmpfs dev /host/dev
/bin/busybox mount -t ext4 /dev/vda /host/mnt || echo "no disk"
/bin/busybox stty -F /host/dev/ttyS0 -opost 2>/dev/null
echo "machine up"
/bin/busybox chroot /host {command}
echo "machine exit $?"
/bin/busybox sync
/bin/busybox poweroff -f
"""


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def why_not() -> str:
    """Why a machine cannot be made here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root: loop devices and a machine that reads every file"
    if shutil.which("apt-get") is None:
        return "needs Debian's package manager, to fetch a kernel"
    return ""


def prepare() -> tuple[Path, Path]:
    """Kernel and module folder, fetched once."""
    missing = [
        package
        for package, program in (("qemu-system-x86", "qemu-system-x86_64"), ("busybox-static", "busybox"))
        if shutil.which(program) is None
    ]
    kernel = next(iter(sorted(CACHE.glob("kernel/boot/vmlinuz-*"))), None)
    if missing or kernel is None:
        run("apt-get", "update")
    if missing:
        run("apt-get", "install", "-y", "--no-install-recommends", *missing)
    if kernel is None:
        CACHE.mkdir(parents=True, exist_ok=True)
        depends = run("apt-cache", "depends", "linux-image-amd64")
        name = re.search(r"Depends: (linux-image-\S+)", depends)
        assert name is not None, depends
        run("apt-get", "download", f"{name[1]}-unsigned", cwd=CACHE)
        package = next(CACHE.glob("linux-image-*.deb"))
        run("dpkg-deb", "-x", package, CACHE / "kernel.new")
        (CACHE / "kernel.new").rename(CACHE / "kernel")
        package.unlink()
        kernel = next(iter(sorted(CACHE.glob("kernel/boot/vmlinuz-*"))))
    return kernel, next((CACHE / "kernel/lib/modules").iterdir())


def _module_files(folder: Path) -> list[Path]:
    """The modules wanted and those they depend on, in the order in which they load."""
    files = {path.name.removesuffix(".ko").replace("-", "_"): path for path in folder.rglob("*.ko")}
    ordered: list[Path] = []

    def add(name: str) -> None:
        path = files.get(name.replace("-", "_"))
        if path is None or path in ordered:  # not there: built into the kernel
            return
        content = path.read_bytes()
        start = content.find(b"\0depends=") + len(b"\0depends=")
        for other in content[start : content.index(b"\0", start)].decode().split(","):
            if other:
                add(other)
        ordered.append(path)

    for name in MODULES:
        add(name)
    return ordered


def _archive(entries: list[tuple[str, int, bytes]]) -> bytes:
    """A cpio archive of the kind the kernel unpacks ("newc"): (name, mode, content)."""
    out = bytearray()
    for inode, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        encoded = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        out += b"070701" + b"".join(b"%08x" % value for value in fields) + encoded
        out += bytes(-len(out) % 4) + content
        out += bytes(-len(out) % 4)
    return bytes(out)


def first_files(modules: Path, command: str) -> bytes:
    """The archive a machine starts from: it loads its drivers, mounts host and disk, and runs `command` on the host's files."""
    files = _module_files(modules)
    entries: list[tuple[str, int, bytes]] = [
        (name, 0o040755, b"") for name in ("bin", "modules", "host", "proc", "dev")
    ]
    entries.append(("dev/console", 0o100600, b""))
    entries.append(("bin/busybox", 0o100755, Path(shutil.which("busybox") or "").read_bytes()))
    entries.append(("init", 0o100755, INIT.replace("{command}", command).encode()))
    entries.append(("modules/order", 0o100644, "\n".join(path.name for path in files).encode()))
    entries.extend((f"modules/{path.name}", 0o100644, path.read_bytes()) for path in files)
    return _archive([entry for entry in entries if entry[0] != "dev/console"])


@dataclass
class Machine:
    """A running machine; `process.stdout` is its serial console."""

    process: subprocess.Popen[bytes]

    def cut_power(self) -> bytes:
        """Kill QEMU: what the machine had not handed to its disk is gone. Returns the rest of the console."""
        self.process.kill()
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        self.process.wait()
        return rest


def start(folder: Path, disk: Path, command: str, *, write_log: Path | None = None) -> Machine:
    """Start a machine that runs `command`. With `write_log` every write and flush of its disk is logged there."""
    kernel, modules = prepare()
    archive = folder / "first-files.cpio"
    archive.write_bytes(first_files(modules, command))
    file = f"driver=file,filename={disk},cache.direct=off"
    if write_log is None:
        drive = ["-blockdev", f"node-name=disk,driver=raw,file.{file.replace(',', ',file.')}"]
    else:
        write_log.write_bytes(b"")
        drive = [
            "-blockdev",
            f"node-name=disk,driver=blklogwrites,log-sector-size=512,file.{file.replace(',', ',file.')},"
            f"log.driver=file,log.filename={write_log}",
        ]
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "1024",
         "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
         "-kernel", str(kernel), "-initrd", str(archive), "-append", "console=ttyS0 quiet panic=-1 rdinit=/init",
         "-serial", "stdio", *drive, "-device", "virtio-blk-pci,drive=disk",
         "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
         "-device", "virtio-9p-pci,fsdev=root,mount_tag=root"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Machine(process)


def new_disk(path: Path, megabytes: int, *, spare_blocks: int = 16) -> int:
    """An empty ext4 disk image; the last `spare_blocks` blocks of 4 KiB stay outside. Returns their first byte."""
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    blocks = (megabytes << 20) // 4096 - spare_blocks
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", path, str(blocks))
    return blocks * 4096


@contextmanager
def mounted(disk: Path, place: Path) -> Iterator[Path]:
    """The disk image as a folder of this host; ext4 plays its own journal first."""
    place.mkdir(exist_ok=True)
    run("mount", "-o", "loop", disk, place)
    try:
        yield place
    finally:
        run("umount", place)


def writer_command(seed: int, *more: str) -> str:
    """The command that runs tests/books/writer.py on the machine's disk."""
    writer = REPOSITORY / "tests/books/writer.py"
    python = f"/usr/bin/env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={REPOSITORY / 'src'} {sys.executable}"
    return f"{python} {writer} /mnt/books {seed} {' '.join(more)}"

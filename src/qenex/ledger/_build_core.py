"""Compiles the core for this process: cffi API mode, the declarations taken from the header itself."""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "core"
SOURCES = ("index", "accounts", "transfers", "expiry", "ledger", "queries")


def declarations() -> str:
    """core.h without comments, directives and the C++ of it: what cffi reads."""
    text = (CORE / "include" / "qenex" / "core.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return "\n".join(lines)


ffi = FFI()
ffi.cdef(declarations())
ffi.set_source(
    "qenex.ledger._core",
    '#include "qenex/core.h"\n',
    sources=[f"core/src/{name}.c" for name in SOURCES],
    include_dirs=["core/include", "core/src"],
    extra_compile_args=["-std=c17", "-O3", "-fvisibility=hidden", "-fno-strict-aliasing", "-flto"],
    extra_link_args=["-O3", "-flto"],
    py_limited_api=True,
)

if __name__ == "__main__":
    ffi.compile(verbose=True)

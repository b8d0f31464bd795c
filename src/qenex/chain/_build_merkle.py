"""Builds `qenex.chain._merkle`: merkle.c against the system's libcrypto (Debian: libssl-dev)."""

from pathlib import Path

from cffi import FFI

ffi = FFI()
ffi.cdef("""
void qx_leaf_hashes(uint8_t kind, const uint8_t *records, size_t n, uint8_t *out);
void qx_tree_hash(const uint8_t *nodes, size_t n, uint8_t *out);
size_t qx_fold_tiles(uint8_t *tail, uint32_t *tail_count, const uint8_t *hashes, size_t n, uint8_t *out);
""")
ffi.set_source(
    "qenex.chain._merkle",
    (Path(__file__).resolve().parent / "merkle.c").read_text(encoding="utf-8"),
    libraries=["crypto"],
    extra_compile_args=["-std=c17", "-O2", "-Wall", "-Wextra", "-Werror=implicit-function-declaration"],
)

if __name__ == "__main__":
    ffi.compile(tmpdir=str(Path(__file__).resolve().parents[2]), verbose=True)

"""The C extension modules; everything else about the package stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
BUILDERS = ("src/qenex/ledger/_build_core.py", "src/qenex/chain/_build_merkle.py")

setup(
    # A builder that exists must compile; one not written yet is left out.
    cffi_modules=[f"{builder}:ffi" for builder in BUILDERS if (HERE / builder).exists()],
    # The extensions do not list their headers: whenever the Makefile sees a change, all is compiled anew.
    options={"build_ext": {"force": True}},
)

#!/bin/sh
# Makes sure that what compiles the C parts is there. As root on Debian it installs what is missing, else it says what is.
# Arguments: the Python that makes the virtual environment; `tests` for what only the tests call, too.
set -eu
python=${1:-python3}
missing=

command -v gcc >/dev/null 2>&1 || missing="$missing gcc"
command -v make >/dev/null 2>&1 || missing="$missing make"
if "$python" -c '' 2>/dev/null; then
    "$python" -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
    include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -e "$include/Python.h" ] || missing="$missing python3-dev"
else
    missing="$missing python3 python3-venv python3-dev"
fi
# Multi-arch systems keep some headers in a folder named after the machine, so the compiler is asked.
for header in stdlib.h:libc6-dev openssl/sha.h:libssl-dev; do
    if ! printf '#include <%s>\n' "${header%%:*}" | gcc -E -x c - >/dev/null 2>&1; then
        missing="$missing ${header##*:}"
    fi
done

if [ "${2:-}" = tests ]; then
    for tool in jq openssl strace; do
        command -v $tool >/dev/null 2>&1 || missing="$missing $tool"
    done
    command -v nm >/dev/null 2>&1 || missing="$missing binutils"
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing Debian packages:$missing"
        apt-get update -qq
        # shellcheck disable=SC2086  # a list of package names
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    else
        echo "missing on this machine:$missing" >&2
        echo "install with: sudo apt-get install$missing" >&2
        exit 1
    fi
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "QENEX needs Python 3.11 or newer; $python is $("$python" -V). Choose another with make PYTHON=..." >&2
    exit 1
fi

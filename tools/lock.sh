#!/bin/sh
# Writes requirements/*.txt from requirements/*.in: exact versions with hashes, no registry host. Needs `uv` on the PATH.
set -eu
cd "$(dirname "$0")/../requirements"
for name in run build dev; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "tools/lock.sh" --output-file "$name.txt" "$name.in" "$@"
done

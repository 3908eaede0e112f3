#!/bin/sh
# Print the path of a Chromium. Installs Debian's package where there is none, as root and with apt-get only.
set -eu

find_one() {
    if [ -n "${CHROMIUM:-}" ]; then
        command -v "$CHROMIUM" && return 0
        echo "CHROMIUM=$CHROMIUM: expected a program that can be run" >&2
        exit 1
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return 0
    done
    return 1
}

find_one && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "no Chromium found: install one (Debian: apt-get install chromium), or name it in CHROMIUM" >&2
    exit 1
fi
{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } >&2
find_one

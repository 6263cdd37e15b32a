#!/bin/sh
# The tests of everything a device needs (kernels, formats, core, runtime), built for AArch64 and run under qemu-user: `tests/aarch64.sh [FILTER]`.
# Kernels run twice: on a processor with 8-bit dot products and on one without. What has to be installed: docs/aarch64.md.
set -eu
cd "$(dirname "$0")/.."
filter=${1:-}
target=aarch64-unknown-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER:-aarch64-linux-gnu-gcc}
qemu() { printf '%s -L /usr/aarch64-linux-gnu -cpu %s' "${QEMU:-qemu-aarch64-static}" "$1"; }
run() {
    cpu=$1
    shift
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$(qemu "$cpu") cargo test --target $target "$@" -- ${filter:+"$filter"}
}
run max -p bantam-kernels -p bantam-core -p bantam-formats -p bantam-runtime
run cortex-a53 -p bantam-kernels --test inference_products

#!/bin/sh
# Fuzzes every reader, or the targets named, one after another on one core: `fuzz/run.sh SECONDS [TARGET...]`.
# Needs a nightly toolchain and a C++ compiler (docs/fuzzing.md). An input that fails is kept in fuzz/artifacts/. An allocation of more than 256 MiB, more than 1 GiB in all, or ten seconds on one input count as failures.
set -eu
cd "$(dirname "$0")"
seconds=$1
shift
[ $# -gt 0 ] || set -- gguf safetensors tokenizer_json gguf_tokenizer package session_state
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
export RUSTFLAGS="$coverage -Zsanitizer=address"
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
cargo +nightly build --release --target "$host" --bins
"target/$host/release/seeds"
for target in "$@"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "== $target"
    # `work` takes what is found, so that the seeds stay few.
    mkdir -p "work/$target"
    nice -n 19 "target/$host/release/$target" "work/$target" "corpus/$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
        -rss_limit_mb=1024 -malloc_limit_mb=256 -artifact_prefix="artifacts/$target/" -print_final_stats=1 -verbosity=1
done

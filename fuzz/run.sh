#!/usr/bin/env bash
# Runs a fuzz target for a number of seconds: run.sh TARGET SECONDS [FLAG...]
#
# TARGET is one of the files in `src/bin`, without its ending; flags are libFuzzer's. Inputs that reached something new are kept
# in `corpus/TARGET`, an input that failed in `found/`; both are left out of the repository. The seeds are made of the inputs of
# the tests of crate `lang`. It needs a C++ compiler, no other toolchain: the instrumentation is in stable rustc.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || { sed -n '2,6p' "$0" >&2; exit 2; }
target=$1 seconds=$2
shift 2
triple=$(rustc -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-$here/../target}
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
# With a target triple of its own the build script's and macros' builds are left uninstrumented.
cargo build --quiet --release --manifest-path "$here/Cargo.toml" --target "$triple" --target-dir "$folder" --bin "$target"
mkdir -p "$here/corpus/$target" "$here/found"
bash "$here/seeds.sh" "$target" "$here/corpus/$target"
# An input that takes a second is a finding; so is one that needs half a gigabyte.
exec "$folder/$triple/release/$target" "$here/corpus/$target" -dict="$here/words.dict" -artifact_prefix="$here/found/" \
  -max_total_time="$seconds" -timeout=1 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=2048 -print_final_stats=1 "$@"

#!/usr/bin/env bash
# Builds the libFuzzer targets and runs them all, in parallel. FUZZ_SECONDS (60) is the time for all of them together.
#
#   tests/fuzz/run.sh [TARGET...]
#
# FUZZ_JOBS: how many at once (nproc). FUZZ_BUILD: the build directory (build-fuzz). What a run finds interesting is kept in
# build-fuzz/corpus/TARGET and used by the next; what crashes, hangs or leaks is kept in build-fuzz/crashes. A reproducer that is
# fixed belongs into tests/fuzz/corpus/TARGET, where every `make test` runs it.
set -eu
cd "$(dirname "$0")/../.."
build=${FUZZ_BUILD:-build-fuzz} seconds=${FUZZ_SECONDS:-60} jobs=${FUZZ_JOBS:-$(nproc)}
# Far above what a target needs, far below what would hurt the machine: going over is a finding. Seconds for one input, MiB.
timeout=10 rss=1024

max_len() {
  case $1 in
  base64 | known_hosts | text_diff) echo 1024 ;;
  *) echo 8192 ;;
  esac
}

# One target: its line, and 1 when it found something.
fuzz_one() {
  local target=$1 log=$build/logs/$1.log status=0 found
  local -a more=()
  mkdir -p "$build/corpus/$target"
  [ ! -f "tests/fuzz/$target.dict" ] || more=("-dict=tests/fuzz/$target.dict")
  nice -n 10 "$build/tests/fuzz/fuzz_$target" -max_total_time="$share" -max_len="$(max_len "$target")" -timeout=$timeout -rss_limit_mb=$rss \
    -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "${more[@]}" "$build/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  awk -v target="$target" -v status="$status" '
    $1 ~ /^#[0-9]+$/ { execs = substr($1, 2); for (i = 2; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "corp:") corpus = $(i + 1) } }
    $1 == "stat::number_of_executed_units:" { execs = $2 }
    END { split(corpus, parts, "/")
          printf "fuzz: %-12s %9d execs  %6d coverage  %5d inputs  %s\n", target, execs, cov, parts[1], status == 0 ? "fine" : "FAILED" }' "$log"
  [ "$status" = 0 ] && return 0
  found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  grep -m 1 -E 'does not hold|ERROR: |runtime error: |SUMMARY: ' "$log" | sed 's/^/  /' || tail -n 3 "$log"
  echo "  log:       $log"
  [ -z "$found" ] || printf '  input:     %s\n  run again: %s %s\n' "$found" "$build/tests/fuzz/fuzz_$target" "$found"
  return 1
}

# With arguments: one of the processes that xargs starts below.
if [ "${1:-}" = --one ]; then
  fuzz_one "$2"
  exit
fi

# The flags are gcc's, and clang need not know them all.
{
  cmake -S . -B "$build" -G Ninja -DSLIPWAY_FUZZ=ON -DSLIPWAY_SANITIZE=ON -DCMAKE_C_COMPILER=clang-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS=-Wno-unknown-warning-option &&
    nice -n 10 cmake --build "$build" --target fuzz_targets -- -j "$jobs"
} >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
rm -f "$build.log"

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find "$build/tests/fuzz" -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x -printf '%f\n' | sed 's/^fuzz_//' | sort)
[ ${#targets[@]} -gt 0 ] || { echo 'fuzz: no targets' >&2; exit 1; }
share=$((seconds * jobs / ${#targets[@]}))
[ "$share" -gt 0 ] || share=1
[ "$share" -le "$seconds" ] || share=$seconds
mkdir -p "$build/crashes" "$build/logs"
# The targets' own files: in memory where there is such a place.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" slipway-fuzz.XXXXXX)
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR share FUZZ_BUILD="$build"
echo "fuzz: ${#targets[@]} targets, $share s each, $jobs at once"
if printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -n 1 tests/fuzz/run.sh --one; then
  exit 0
fi
echo "fuzz: FAILED; the inputs are in $build/crashes"
exit 1

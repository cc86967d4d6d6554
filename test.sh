#!/usr/bin/env bash
# All tests, and the numeric goldens again on every kernel path. The last line is "N passed, N failed, N skipped".
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    cat <<'HELP'
usage: ./test.sh

Builds with warnings as errors and runs
  all tests, with oneDNN where it is installed;
  the numeric goldens with the managed kernels, then with vectors of at most 256 and of 128 bits.
Needs the .NET SDK 10. Installs oneDNN, PostgreSQL, Chromium, npm and the vocabularies of Gemma 2 and 3 where they are missing and can be had;
tests that lack something are skipped, with the reason.
The last line is "N passed, N failed, N skipped", summed over the runs. Exit code 0: something passed and nothing failed.
HELP
    exit 0
fi

require_dotnet
offer_onednn
offer_vocabularies
offer_postgres
offer_browser
build "$root/GemmaScope.slnx"

passed=0 failed=0 skipped=0
limit=900 # seconds of a run; one that takes longer hangs
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

# totals FILE: passed, failed and skipped tests of a report in xunit's XML form; nothing if it is not one.
totals() {
    [ -s "$1" ] && awk -v RS='>' '
        function attribute(name) {
            match($0, " " name "=\"[0-9]+")
            return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
        }
        /<assembly / { print attribute("passed"), attribute("failed") + attribute("errors"), attribute("skipped"); exit }' "$1"
}

# run TITLE [VARIABLE=VALUE...] -- [FILTER...]: one run over all test projects; a run that tests nothing has failed.
run() {
    local title=$1 environment=() tests report ran=0 status good bad left_out
    shift
    while [ "$1" != -- ]; do environment+=("$1"); shift; done
    shift
    say "Tests: $title."
    for tests in "$root"/tests/*.Tests; do
        tests=$tests/bin/Release/net10.0/$(basename "$tests").dll
        report=$reports/report.xml status=0
        rm -f "$report"
        env "${environment[@]}" timeout --kill-after=30 "$limit" dotnet "$tests" -noLogo -noColor -result-xml "$report" "$@" </dev/null || status=$?
        if ! read -r good bad left_out < <(totals "$report"); then
            good=0 bad=1 left_out=0
            if [ "$status" = 124 ] || [ "$status" = 137 ]; then
                say "FAILED: $(basename "$tests") timed out after $limit s and left no report."
            else
                say "FAILED: $(basename "$tests") ended with $status and left no report."
            fi
        elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
            bad=1
            say "FAILED: $(basename "$tests") ended with $status after its tests had passed."
        fi
        ran=$((ran + good + bad)) passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left_out))
    done
    if [ "$ran" = 0 ]; then
        say "FAILED: this run tested nothing."
        failed=$((failed + 1))
    fi
}

goldens=(-trait Category=Golden)
run "all" --
run "numeric goldens, managed kernels" GEMMASCOPE_KERNELS=managed -- "${goldens[@]}"
run "numeric goldens, managed kernels, 256-bit vectors" GEMMASCOPE_KERNELS=managed DOTNET_EnableAVX512=0 -- "${goldens[@]}"
run "numeric goldens, managed kernels, 128-bit vectors" GEMMASCOPE_KERNELS=managed DOTNET_EnableAVX2=0 -- "${goldens[@]}"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

#!/usr/bin/env bash
# All tests, and the numeric goldens again on every kernel path. The last line is "N passed, N failed, N skipped".
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"
# shellcheck source=scripts/test-run.sh
. "$root/scripts/test-run.sh"

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    cat <<'HELP'
usage: ./test.sh

Builds with warnings as errors and runs
  all tests, with oneDNN where it is installed;
  the numeric goldens with the managed kernels, then with vectors of at most 256 and of 128 bits.
Needs the .NET SDK 10. Installs oneDNN, PostgreSQL, Chromium, npm and the vocabularies of Gemma 2 and 3 where they are missing and can be had;
tests that lack something are skipped, with the reason.
A run that takes longer than GEMMASCOPE_TEST_LIMIT seconds (3600) is cut off; what it had found counts.
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

goldens=(-trait Category=Golden)
run "all" --
run "numeric goldens, managed kernels" GEMMASCOPE_KERNELS=managed -- "${goldens[@]}"
run "numeric goldens, managed kernels, 256-bit vectors" GEMMASCOPE_KERNELS=managed DOTNET_EnableAVX512=0 -- "${goldens[@]}"
run "numeric goldens, managed kernels, 128-bit vectors" GEMMASCOPE_KERNELS=managed DOTNET_EnableAVX2=0 -- "${goldens[@]}"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

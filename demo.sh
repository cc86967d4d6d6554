#!/usr/bin/env bash
# The main job in one command: builds GemmaScope and takes sentences apart with the demo model.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    cat <<'HELP'
usage: ./demo.sh [ARGUMENT...]

Builds GemmaScope and runs `gemmascope demo ARGUMENT...` on the demo model of this repository.
Needs the .NET SDK 10 and nothing else.
HELP
    exit 0
fi

require_dotnet
build_command
exec dotnet "$command" demo "$@"

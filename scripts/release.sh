#!/usr/bin/env bash
# Makes the packages of a release, and says how to tag it. Nothing is pushed or published.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

version=${1:-}
if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]]; then
    cat <<'HELP'
usage: ./scripts/release.sh VERSION

Checks that the work is committed, that Directory.Build.props and CHANGELOG.md name the version and that it is not tagged yet,
builds, packs and uses the packages (artifacts/packages), and prints the command that tags the commit, with the release's notes.
HELP
    [ "$version" = --help ] || [ "$version" = -h ] && exit 0
    exit 2
fi

stop() { say "NOT RELEASED: $*"; exit 1; }
cd "$root"

# notes: the entry of this version in the change log, without its heading.
notes() {
    awk -v heading="## $version" '
        /^## / { inside = index($0, heading) == 1 && substr($0, length(heading) + 1, 1) !~ /[0-9.-]/; next }
        inside' CHANGELOG.md
}

[ -z "$(git status --porcelain)" ] || stop "there are changes that are not committed."
git rev-parse -q --verify "refs/tags/v$version" >/dev/null && stop "v$version is tagged already."
grep -F "<Version>$version</Version>" Directory.Build.props >/dev/null || stop "Directory.Build.props has another version."
[ -n "$(notes | tr -d '[:space:]')" ] || stop "CHANGELOG.md has no entry '## $version'."

bash scripts/check-packages.sh
mkdir -p artifacts
notes | sed '/./,$!d' >"artifacts/notes-$version.md"
say "The packages are in artifacts/packages, the notes in artifacts/notes-$version.md. When the tests have passed on this commit:"
echo "git tag -a v$version --cleanup=verbatim -F artifacts/notes-$version.md"

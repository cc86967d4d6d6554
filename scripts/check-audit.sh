#!/usr/bin/env bash
# Asks the package sources for advisories about every package, those that others bring along too. A known one fails the check,
# as it fails any build (Directory.Build.props); where no source offers advisories or answers, that is said and is no failure.
set -uo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

require_dotnet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The sources of this machine, named as sources of advisories too: then NuGet says which of them has none.
{
    echo '<configuration>'
    for section in packageSources auditSources; do
        echo "<$section><clear />"
        dotnet nuget list source --format short | awk -v quote='"' '
            $1 ~ /^E/ { print "<add key=" quote "source" ++n quote " value=" quote $2 quote " />" }'
        echo "</$section>"
    done
    echo '</configuration>'
} >"$work/nuget.config"

# Of copies of the projects: what is restored here is not what the next build shall find.
mkdir "$work/copy"
(cd "$root" && { find src bench tests -name '*.csproj'; ls ./*.props ./*.targets ./*.slnx; } | tar -cf - -T -) | tar -xf - -C "$work/copy"
dotnet restore "$work/copy/GemmaScope.slnx" --configfile "$work/nuget.config" -v minimal >"$work/output" 2>&1 </dev/null
status=$?
if grep -E 'NU190[1-4]' "$work/output" >/dev/null; then
    grep -E 'NU190[1-4]' "$work/output" | sort -u
    say "FAILED: there are advisories about packages that are used."
    exit 1
elif grep -E 'NU190[05]' "$work/output" >/dev/null; then
    say "Advisories: no source of them can be had here; nothing is known of the packages."
elif [ "$status" != 0 ]; then
    cat "$work/output"
    say "FAILED: packages cannot be restored."
    exit 1
else
    say "Advisories: none about any package."
fi

#!/usr/bin/env bash
# Packs the library and the tool, then uses both as a stranger would: the tool is installed into a folder of its own and
# run, the library is referenced by a new program. Nothing outside a temporary folder and artifacts/ is changed.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

require_dotnet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
feed=$work/feed
: "${DOTNET_ROOT:=$(dirname "$(readlink -f "$(command -v dotnet)")")}"
export DOTNET_ROOT

fail() { say "FAILED: $*"; exit 1; }

# expect PATTERN COMMAND...: runs the command; it must succeed and print a line that matches.
expect() {
    local pattern=$1
    shift
    say "$(basename "$1") ${*:2}"
    "$@" >"$work/output" 2>&1 </dev/null || { cat "$work/output"; fail "it ended with an error."; }
    grep -E -- "$pattern" "$work/output" >/dev/null || { cat "$work/output"; fail "its output does not match '$pattern'."; }
}

say "Packing the library and the tool."
for project in GemmaScope GemmaScope.Cli; do
    dotnet pack "$root/src/$project" -c Release -warnaserror -v quiet -o "$feed" >"$work/output" 2>&1 ||
        { cat "$work/output"; fail "src/$project cannot be packed."; }
done
mkdir -p "$root/artifacts/packages"
cp "$feed"/*.nupkg "$root/artifacts/packages/"
version=$(basename "$feed"/GemmaScope.Tool.*.nupkg .nupkg)
version=${version#GemmaScope.Tool.}

# The caches of this machine may hold an older package of the same version, so the checks keep their own.
say "Installing the tool, version $version."
NUGET_PACKAGES=$work/packages dotnet tool install GemmaScope.Tool --version "$version" --source "$feed" --tool-path "$work/tools" \
    >"$work/output" 2>&1 || { cat "$work/output"; fail "the tool cannot be installed."; }
cd "$work" # away from the repository: the tool has to find its demo model by itself
expect "^${version//./\\.}" tools/gemmascope --version
expect . tools/gemmascope info
expect '"tokens"' tools/gemmascope analyze "The cat sat" --json
expect '^[1-9][0-9]* passed, 0 failed' tools/gemmascope verify "$root/tests/fixtures/host"

say "Using the library from a new program."
cache=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: *//')
mkdir program
cat >program/program.csproj <<PROJECT
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <RestoreAdditionalProjectSources>$feed</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/packages</RestorePackagesPath>
    <RestoreFallbackFolders>$cache</RestoreFallbackFolders>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="GemmaScope" Version="$version" /></ItemGroup>
</Project>
PROJECT
echo 'Console.WriteLine($"kernels: {GemmaScope.Numerics.Compute.Kernels.Name}");' >program/Program.cs
expect '^kernels: .' dotnet run --project program

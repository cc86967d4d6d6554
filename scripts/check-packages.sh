#!/usr/bin/env bash
# Packs everything that is shipped, looks into the packages, and uses them as a stranger would: the tool is installed into a
# folder of its own and run, library, store and workbench are referenced by a new program, the server by a new web program.
# Nothing outside a temporary folder and artifacts/ is changed.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

require_dotnet
command -v unzip >/dev/null || { echo "unzip is needed to look into packages"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
feed=$work/feed
: "${DOTNET_ROOT:=$(dirname "$(readlink -f "$(command -v dotnet)")")}"
export DOTNET_ROOT

fail() { say "FAILED: $*"; exit 1; }

# quietly WHAT COMMAND...: runs the command; shows its output only if it fails.
quietly() {
    local what=$1
    shift
    "$@" >"$work/output" 2>&1 </dev/null || { cat "$work/output"; fail "$what."; }
}

# expect PATTERN COMMAND...: runs the command; it must succeed and print a line that matches.
expect() {
    local pattern=$1
    shift
    say "$(basename "$1") ${*:2}"
    quietly "it ended with an error" "$@"
    grep -E -- "$pattern" "$work/output" >/dev/null || { cat "$work/output"; fail "its output does not match '$pattern'."; }
}

say "Packing."
projects=(GemmaScope GemmaScope.Store GemmaScope.Workbench GemmaScope.Cli)
grep -q '<IsPackable>true' "$root/src/GemmaScope.Server/GemmaScope.Server.csproj" && projects+=(GemmaScope.Server)
for project in "${projects[@]}"; do
    # As a release is built: paths of this machine stay out.
    quietly "src/$project cannot be packed" \
        dotnet pack "$root/src/$project" -c Release "${strict[@]}" -v quiet -o "$feed" -p:ContinuousIntegrationBuild=true
done
mkdir -p "$root/artifacts/packages"
cp "$feed"/*.nupkg "$feed"/*.snupkg "$root/artifacts/packages/"
version=$(basename "$feed"/GemmaScope.Tool.*.nupkg .nupkg)
version=${version#GemmaScope.Tool.}

say "Looking into the packages, version $version."
for package in "$feed"/*.nupkg; do
    name=$(basename "$package" ".$version.nupkg")
    listing=$(unzip -Z1 "$package")
    for file in README.md LICENSE NOTICE; do
        grep -x "$file" <<<"$listing" >/dev/null || fail "$name has no $file."
    done
    [ -e "${package%.nupkg}.snupkg" ] || fail "$name has no symbols."
    [ "$name" = GemmaScope.Tool ] || grep -E '^lib/.*\.xml$' <<<"$listing" >/dev/null || fail "$name has no documentation for editors."
    unzip -p "$package" '*.nuspec' | grep -E '<license type="expression">Apache-2.0' >/dev/null || fail "$name names no licence."
done

# The caches of this machine may hold older packages of the same version, so the checks keep their own.
say "Installing the tool."
quietly "the tool cannot be installed" env NUGET_PACKAGES="$work/packages" \
    dotnet tool install GemmaScope.Tool --version "$version" --source "$feed" --tool-path "$work/tools"
cd "$work" # away from the repository: the tool has to find its demo model by itself
expect "^${version//./\\.}" tools/gemmascope --version
expect . tools/gemmascope info
expect '"tokens"' tools/gemmascope analyze "The cat sat" --json
expect '^[1-9][0-9]* passed, 0 failed' tools/gemmascope verify "$root/tests/fixtures/host"

cache=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: *//')

# program FOLDER SDK PACKAGE...: a new program that references packages; its code comes from the standard input.
program() {
    local folder=$1 sdk=$2 package references=''
    shift 2
    for package in "$@"; do references+="<PackageReference Include=\"$package\" Version=\"$version\" />"; done
    mkdir "$folder"
    cat >"$folder/Program.cs"
    cat >"$folder/$folder.csproj" <<PROJECT
<Project Sdk="$sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <RestoreAdditionalProjectSources>$feed</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/packages</RestorePackagesPath>
    <RestoreFallbackFolders>$cache</RestoreFallbackFolders>
  </PropertyGroup>
  <ItemGroup>$references</ItemGroup>
</Project>
PROJECT
}

say "Using the library alone from a new program."
program library Microsoft.NET.Sdk GemmaScope <<'CODE'
Console.WriteLine($"kernels: {GemmaScope.Numerics.Compute.Kernels.Name}");
CODE
expect '^kernels: .' dotnet run --project library

say "Using the workbench and the store from a new program."
program workbench Microsoft.NET.Sdk GemmaScope.Workbench <<CODE
using GemmaScope.Workbench;

using var microscope = await Microscope.OpenAsync(new MicroscopeOptions
{
    Model = "$root/models/demo-pt",
    Dictionaries = ["$root/models/demo-sae/resid_post/layer_3/width_2k/average_l0_35"],
});
var result = await AnalyzeJob.RunAsync(microscope, new AnalyzeJobOptions { Text = "The cat sat" });
using var database = GemmaScope.Store.FeatureDatabase.Open("new.db", create: true);
Console.WriteLine(\$"tokens: {result.Tokens.Count}, dictionaries stored: {database.Dictionaries().Count}");
CODE
expect '^tokens: 4, dictionaries stored: 0' dotnet run --project workbench

if [ -e "$feed/GemmaScope.Server.$version.nupkg" ]; then
    say "Using the server from a new web program."
    program web Microsoft.NET.Sdk.Web GemmaScope.Server <<'CODE'
using System.Reflection;

var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => "hello");
var server = Assembly.Load("GemmaScope.Server");
Console.WriteLine($"server: {server.GetExportedTypes().Length} public types");
CODE
    expect '^server: [1-9][0-9]* public types' dotnet run --project web
fi
say "The packages are good: $(cd "$feed" && echo *.nupkg)"

#!/usr/bin/env bash
# Packs everything that is shipped, looks into the packages, and uses them as a stranger would: the tool is installed into a
# folder of its own and run, and every program that the documentation shows is compiled in a new project that references the packages
# its page names, and run where it needs nothing else.
# Nothing outside a temporary folder and artifacts/ is changed.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

require_dotnet
command -v unzip >/dev/null || { echo "unzip is needed to look into packages"; exit 1; }
command -v curl >/dev/null || { echo "curl is needed to ask the guard"; exit 1; }
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
projects=(GemmaScope GemmaScope.Store GemmaScope.Workbench GemmaScope.Server GemmaScope.Demo GemmaScope.Cli)
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
    [ "$name" = GemmaScope.Demo ] || [ -e "${package%.nupkg}.snupkg" ] || fail "$name has no symbols."
    [ "$name" = GemmaScope.Tool ] || [ "$name" = GemmaScope.Demo ] || grep -E '^lib/.*\.xml$' <<<"$listing" >/dev/null || fail "$name has no documentation for editors."
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

# A folder of new projects: what a new project of a user has, and where it finds our packages.
mkdir -p "$work/programs"
cat >"$work/programs/Directory.Build.props" <<PROJECT
<Project>
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <NuGetAudit>false</NuGetAudit>
    <RestoreAdditionalProjectSources>$feed</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/packages</RestorePackagesPath>
    <RestoreFallbackFolders>$cache</RestoreFallbackFolders>
    <!-- The demo models are copied beside every program. -->
    <CreateHardLinksForAdditionalFilesIfPossible>true</CreateHardLinksForAdditionalFilesIfPossible>
  </PropertyGroup>
</Project>
PROJECT

# program NAME TEMPLATE PACKAGE...: a project as 'dotnet new TEMPLATE' and 'dotnet add package PACKAGE' make it, around NAME/Program.cs.
program() {
    local name=$1 template=$2 sdk=Microsoft.NET.Sdk package references=''
    shift 2
    [ "$template" = web ] && sdk=Microsoft.NET.Sdk.Web
    for package in "$@"; do references+="<PackageReference Include=\"$package\" Version=\"$version\" />"; done
    echo "<Project Sdk=\"$sdk\"><ItemGroup>$references</ItemGroup></Project>" >"$work/programs/$name/$name.csproj"
}

# The programs that pages show, each in a project as its page makes it: a block csharp that begins with using lines, and those behind it
# that do not. PageProgramTests has the same rule, and says what is wrong with a page.
say "Taking the programs out of the documentation."
(cd "$root" && git ls-files -- '*.md') | while read -r page; do
    awk -v page="$page" -v folder="$work/programs" '
        /^```/ { inside = !inside; language = substr($0, 4); first = inside; next }
        inside && language == "csharp" {
            if (first && /^using (static )?[A-Z][A-Za-z.]*;/) {
                name = page "-" ++count
                gsub(/[^A-Za-z0-9]+/, "-", name)
                system("mkdir -p " folder "/" name)
                print name, template packages
            }
            first = 0
            print > (folder "/" name "/Program.cs")
            next
        }
        { line = $0; sub(/^ +/, "", line); split(line, words, / +/) }
        line ~ /^dotnet new / { template = words[3]; packages = "" }
        line ~ /^dotnet add package / { packages = packages " " words[4] }' "$root/$page"
done >"$work/programs.list"
while read -r name template packages; do
    # shellcheck disable=SC2086 # packages are several words
    program "$name" "$template" $packages
done <"$work/programs.list"
[ -s "$work/programs.list" ] || fail "no page shows a program."

say "Using the workbench and the store from a new program."
mkdir "$work/programs/workbench"
cat >"$work/programs/workbench/Program.cs" <<'CODE'
using GemmaScope.Workbench;

using var microscope = await Microscope.OpenAsync();
var result = await AnalyzeJob.RunAsync(microscope, new AnalyzeJobOptions { Text = "The cat sat" });
using var database = GemmaScope.Store.FeatureDatabase.Open("new.db", create: true);
Console.WriteLine($"tokens: {result.Tokens.Count}, dictionaries stored: {database.Dictionaries().Count}");
CODE
program workbench console GemmaScope.Workbench GemmaScope.Demo

say "Compiling $(wc -l <"$work/programs.list") programs of the documentation, and one of ours, against the packages."
for name in "$work"/programs/*/; do
    name=$(basename "$name")
    echo "<Project Path=\"$name/$name.csproj\" />"
done | { echo '<Solution>'; cat; echo '</Solution>'; } >"$work/programs/all.slnx"
quietly "a program does not compile" dotnet build "$work/programs/all.slnx" -v quiet

# built NAME: the program as it was built.
built() { echo "$work/programs/$1/bin/Debug/net10.0/$1.dll"; }

say "Running them, where all they need comes along: away from the repository, so that models come from the package."
expect '^tokens: 4, dictionaries stored: 0' dotnet "$(built workbench)"
while read -r name template packages; do
    [[ $template == console && $packages == *GemmaScope.Demo* ]] || continue
    expect . dotnet "$(built "$name")"
done <"$work/programs.list"

say "Asking the guard of the README."
guard=$(awk '$2 == "web" { print $1; exit }' "$work/programs.list")
: >"$work/guard.log"
dotnet "$(built "$guard")" --urls http://127.0.0.1:0 >"$work/guard.log" 2>&1 </dev/null &
guard_process=$!
trap 'kill "$guard_process" 2>/dev/null; rm -rf "$work"' EXIT
address=''
while [ -z "$address" ]; do
    kill -0 "$guard_process" 2>/dev/null || { cat "$work/guard.log"; fail "the guard does not start."; }
    address=$(sed -n 's/.*Now listening on: //p' "$work/guard.log")
    sleep 0.2
done
expect '422$' curl -s -o "$work/answer" -w '%{http_code}\n' "$address/chat" -H 'Content-Type: application/json' \
    -d '{"text": "How do I repot a cactus?"}'
kill "$guard_process"
say "The packages are good: $(cd "$feed" && echo *.nupkg)"

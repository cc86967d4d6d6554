# shellcheck shell=bash
# Runs the test programs and counts; needs scripts/setup.sh. What a run has found is counted even where it is cut off.

passed=0 failed=0 skipped=0
# Seconds of a run. The suite takes minutes; what takes longer than this hangs, however busy the machine is.
limit=${GEMMASCOPE_TEST_LIMIT:-3600}
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

# follow FILE: passes on what a run says, keeps the beginnings and ends of tests for itself, and writes to FILE what came of them:
# passed, failed, skipped, and on lines of their own the tests that have not ended.
follow() {
    awk -v counts="$1" '
        function tell(name) {
            print passed + 0, failed + 0, skipped + 0 >counts
            for (name in running)
                print name >counts
            close(counts)
        }
        / \[STARTING\]$/ { sub(/^ +/, ""); sub(/ \[STARTING\]$/, ""); running[$0]; next }
        / \[FINISHED\] Time: / {
            sub(/^ +/, ""); sub(/ \[FINISHED\] Time: .*/, "")
            delete running[$0]
            if ($0 in bad) failed++; else if ($0 in left) skipped++; else passed++
            tell()
            next
        }
        / \[FAIL\]$/ { name = $0; sub(/^ +/, "", name); sub(/ \[FAIL\]$/, "", name); bad[name] }
        / \[SKIP\]$/ { name = $0; sub(/^ +/, "", name); sub(/ \[SKIP\]$/, "", name); left[name] }
        { print; fflush() }
        END { tell() }'
}

# run TITLE [VARIABLE=VALUE...] -- [FILTER...]: one run over all test projects; a run that tests nothing has failed.
run() {
    local title=$1 environment=() tests report counts ran=0 status good bad left_out
    shift
    while [ "$1" != -- ]; do environment+=("$1"); shift; done
    shift
    say "Tests: $title."
    for tests in "$root"/tests/*.Tests; do
        tests=$tests/bin/Release/net10.0/$(basename "$tests").dll
        report=$reports/report.xml counts=$reports/counts status=0
        rm -f "$report" "$counts"
        { env "${environment[@]}" timeout --kill-after=30 "$limit" dotnet "$tests" -noLogo -noColor -reporter verbose \
            -result-xml "$report" "$@" </dev/null 2>&1 || echo $? >"$reports/status"; } | follow "$counts"
        if [ -e "$reports/status" ]; then
            status=$(cat "$reports/status")
            rm "$reports/status"
        fi
        if ! read -r good bad left_out < <(totals "$report"); then
            read -r good bad left_out <"$counts"
            bad=$((bad + 1))
            if [ "$status" = 124 ] || [ "$status" = 137 ]; then
                say "FAILED: $(basename "$tests") timed out after $limit s (GEMMASCOPE_TEST_LIMIT sets another limit)."
                tail -n +2 "$counts" | while read -r name; do say "It had not ended: $name"; done
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

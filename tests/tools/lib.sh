# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of the tools share. A test runs a tool with `run`, looks at what came of it with the functions below
# that, each of which is one check, and ends with `finish`. A failed check is told and counted; the test goes on.

set -euo pipefail

work=$(mktemp -d)
passed=0
failed=0
# Of the latest run: the tool's name and its exit code. What it wrote is in $work/out and $work/err.
tool=
code=
command_line=

clean_up() {
    rm -rf "$work"
}
trap clean_up EXIT

# result STATUS WHAT: count a check.
result() {
    if (($1 == 0)); then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    {
        printf 'FAILED: %s\n' "$2"
        printf '  command: %s\n  exit code: %s\n' "$command_line" "$code"
        head -c 1000 "$work/err" | sed 's/^/  stderr: /'
    } >&2
}

# check WHAT COMMAND...: the command succeeds.
check() {
    local status=0
    "${@:2}" || status=$?
    result "$status" "$1"
}

# check_not WHAT COMMAND...: the command fails.
check_not() {
    local status=1
    "${@:2}" || status=0
    result "$status" "$1"
}

# check_equal WHAT EXPECTED FOUND
check_equal() {
    local status=0
    [[ $2 == "$3" ]] || status=1
    result "$status" "$1: expected \"$2\", found \"$3\""
}

# note COMMAND...: from now on this is what checks are about.
note() {
    tool=${1##*/}
    command_line=$*
    code=-
    : >"$work/out"
    : >"$work/err"
}

# run COMMAND...: standard input is the caller's, so is standard output if it is redirected.
run() {
    note "$@"
    code=0
    "$@" >"$work/out" 2>"$work/err" || code=$?
}

# The same, but standard output is the caller's.
run_to() {
    note "$@"
    code=0
    "$@" 2>"$work/err" || code=$?
}

# succeeds WHAT: the latest run exited with 0 and complained about nothing.
succeeds() {
    local status=0
    [[ $code == 0 ]] && ! grep -q "^$tool: " "$work/err" || status=1
    result "$status" "$1"
}

# refuses WHAT CODE PATTERN: the latest run exited with CODE, wrote nothing to standard output, and exactly one
# sentence, which matches the extended regular expression, to standard error.
refuses() {
    local status=0 sentence
    sentence=$(grep "^$tool: " "$work/err" || true)
    [[ $code == "$2" && ! -s $work/out ]] || status=1
    [[ $(wc -l <<<"$sentence") == 1 && $sentence == *. ]] || status=1
    grep -Eq -- "$3" <<<"$sentence" || status=1
    result "$status" "$1"
}

# says WHAT PATTERN: a line of standard output matches the extended regular expression.
says() {
    check "$1" grep -Eq -- "$2" "$work/out"
}

# same_json WHAT EXPECTED [FILE]: standard output, or the file, is this JSON value, whatever the order of keys.
same_json() {
    check "$1" python3 -c 'import json, sys
found = json.load(open(sys.argv[2]))
if found != json.loads(sys.argv[1]): sys.exit("  found: " + json.dumps(found))' "$2" "${3:-$work/out}"
}

# json EXPRESSION [FILE]: a part of standard output, or of the file, which is `it` in this Python expression.
json() {
    python3 -c 'import json, sys
it = json.load(open(sys.argv[2]))
print(eval(sys.argv[1]))' "$1" "${2:-$work/out}"
}

finish() {
    printf '%s: %d checks passed, %d failed\n' "${0##*/}" "$passed" "$failed"
    ((failed == 0))
}

# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Functions for the tests of the programs. A test runs a program with `run`, checks the outcome with the functions below
# it, and ends with `finish`. Each of these functions is one check. A failed check is reported, and the test goes on.

set -euo pipefail

work=$(mktemp -d)
passed=0
failed=0
# The name and the exit code of the program that ran last. Its output is in $work/out and $work/err.
tool=
code=
command_line=

clean_up() {
    rm -rf "$work"
}
trap clean_up EXIT

# result STATUS WHAT: counts a check.
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

# check_equal WHAT EXPECTED FOUND: both texts are the same.
check_equal() {
    local status=0
    [[ $2 == "$3" ]] || status=1
    result "$status" "$1: expected \"$2\", found \"$3\""
}

# note COMMAND...: the next checks are about this command.
note() {
    tool=${1##*/}
    command_line=$*
    code=-
    : >"$work/out"
    : >"$work/err"
}

# run COMMAND...: runs it with the standard input of the caller.
run() {
    note "$@"
    code=0
    "$@" >"$work/out" 2>"$work/err" || code=$?
}

# run_to COMMAND...: runs it with the standard input and output of the caller.
run_to() {
    note "$@"
    code=0
    "$@" 2>"$work/err" || code=$?
}

# succeeds WHAT: the command that ran last exited with 0 and printed no message.
succeeds() {
    local status=0
    [[ $code == 0 ]] && ! grep -q "^$tool: " "$work/err" || status=1
    result "$status" "$1"
}

# refuses WHAT CODE PATTERN: the command that ran last exited with CODE and wrote nothing to standard output. It wrote
# exactly one sentence to standard error, which matches the extended regular expression.
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

# same_json WHAT EXPECTED [FILE]: standard output, or the file, is this JSON value. The order of keys does not matter.
same_json() {
    check "$1" python3 -c 'import json, sys
found = json.load(open(sys.argv[2]))
if found != json.loads(sys.argv[1]): sys.exit("  found: " + json.dumps(found))' "$2" "${3:-$work/out}"
}

# json EXPRESSION [FILE]: prints the value of a Python expression, in which `it` is standard output, or the file.
json() {
    python3 -c 'import json, sys
it = json.load(open(sys.argv[2]))
print(eval(sys.argv[1]))' "$1" "${2:-$work/out}"
}

finish() {
    printf '%s: %d checks passed, %d failed\n' "${0##*/}" "$passed" "$failed"
    ((failed == 0))
}

# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of the example programs share, besides tests/tools/lib.sh. Each test is called test-PROGRAM and runs
# on a cluster with a pool "rbd": test-PROGRAM BIN_DIR CLUSTER_CONF

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

if (($# != 2)); then
    echo "usage: ${0##*/} BIN_DIR CLUSTER_CONF" >&2
    exit 2
fi
name=${0##*/test-}
# shellcheck disable=SC2034 # the tests use it, and $uri below
program=$1/$name
# Ceph's tools find the cluster as the examples do, which take no option for that.
export CEPH_CONF=$2
unset CEPH_ARGS
# Tests may make images whose names start with this one. They are removed at the end.
image=test-example-$name-$$
# shellcheck disable=SC2034
uri=rbd:rbd/$image
# Processes in the background: the program that is tested, and a client that has the image open.
program_pid=
holder_pid=

end_test() {
    local pid other
    for pid in $program_pid $holder_pid; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    for other in $(rbd ls 2>/dev/null | grep "^$image" || true); do
        rbd snap purge --no-progress "$other" 2>/dev/null || true
        rbd rm --no-progress "$other" >/dev/null 2>&1 || true
    done
    clean_up
}
trap end_test EXIT

# fails WHAT PATTERN: the latest run exited with 1 and said why on standard error.
fails() {
    local status=0
    [[ $code == 1 ]] && grep -Eq -- "^$name: .*$2" "$work/err" || status=1
    result "$status" "$1"
}

# random_file FILE SIZE
random_file() {
    head -c "$2" /dev/urandom >"$work/$1"
}

# import FILE IMAGE: the image gets the size and the contents of the file.
import() {
    rbd import --no-progress "$work/$1" "$2"
}

# holds IMAGE FILE: Ceph's own tool reads from the whole image, or its snapshot, what is in the file.
holds() {
    rm -f "$work/exported"
    rbd export --no-progress "$1" "$work/exported"
    cmp "$work/exported" "$2"
}

# What Ceph's own tool tells of the image's size.
size_of() {
    rbd info --format json "$1" >"$work/info"
    json "it['size']" "$work/info"
}

# waits_for COMMAND...: until it succeeds, for at most 30 seconds.
waits_for() {
    local deadline=$((SECONDS + 30))
    until "$@" >/dev/null; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

has_lock() {
    [[ -n $(rbd lock ls "$1") ]]
}

has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

# end_program: waits for the program in the background, and takes its exit code.
end_program() {
    waits_for has_ended "$program_pid" || kill -KILL "$program_pid"
    code=0
    wait "$program_pid" || code=$?
    program_pid=
}

# hold_lock IMAGE BYTE LENGTH: qemu-io writes LENGTH times the BYTE, and keeps the exclusive lock until release_lock.
hold_lock() {
    mkfifo "$work/holder"
    qemu-io -f raw "rbd:rbd/$1:conf=$CEPH_CONF" <"$work/holder" >"$work/holder.out" 2>&1 &
    holder_pid=$!
    exec 9>"$work/holder"
    echo "write -P $2 0 $3" >&9
    waits_for grep -q wrote "$work/holder.out"
    waits_for has_lock "$1"
}

release_lock() {
    exec 9>&-
    wait "$holder_pid"
    holder_pid=
    rm "$work/holder"
}

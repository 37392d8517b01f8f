# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program to its end, and tells what it took."""

import os
import subprocess
import sys
import tempfile
import time
from collections import namedtuple

# `cpu`: user and system time, in seconds. `peak_rss`: KiB. `output`: what it printed, unless that went elsewhere.
Run = namedtuple("Run", "output seconds cpu peak_rss")

# Nothing that is measured here takes as long.
LIMIT = 300


def _wait(process, until):
    """As process.wait, with the resources that were used."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > until:
            process.kill()
            sys.exit(f"compare: this has not ended within {LIMIT} seconds: {' '.join(process.args)}")
        time.sleep(0.002)


def run(command, conf=None, stdout=None):
    """`conf`: for programs that are told in the environment. `stdout`: a file that takes the output."""
    environment = dict(os.environ, LC_ALL="C")
    if conf:
        environment["CEPH_CONF"] = conf
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or output, stderr=errors,
                                   env=environment)
        usage = _wait(process, start + LIMIT)
        seconds = time.monotonic() - start
        output.seek(0)
        errors.seek(0)
        text = output.read().decode(errors="replace")
        complaint = errors.read().decode(errors="replace")
    if process.returncode != 0:
        sys.exit(f"compare: {' '.join(command)} failed with {process.returncode}:\n{text}{complaint}")
    return Run(text, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def run_into_pipe(command, conf=None):
    """As run, with a reader that takes all that comes, and forgets it; until both are over."""
    start = time.monotonic()
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    result = run(command, conf, reader.stdin)
    reader.stdin.close()
    reader.wait()
    return result._replace(seconds=time.monotonic() - start)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What everything is measured on: a throwaway cluster with its images, and the machine."""

import os
import platform
import re
import shutil
import subprocess
import tempfile

from .process import run

HERE = os.path.dirname(os.path.realpath(__file__))
PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
CLUSTER = os.path.join(PROJECT, "tests", "cluster", "cluster")

# By name, what is added for all clients to the cluster's configuration.
CONFIGURATIONS = {
    "default": "",
    "none": "rbd_cache = false\n",
    "write-back": "rbd_cache = true\nrbd_cache_policy = writeback\nrbd_cache_writethrough_until_flush = false\n",
}


class Setting:
    """Images of pool "rbd": "full", all of it written; "sparse", the first 64 MiB written; and "many.N", written."""

    def __init__(self, build, scale):
        self.scale = scale
        self.bench = os.path.join(build, "tests", "bench", "vdisk-bench")
        self.cat = os.path.join(build, "examples", "tools", "vdisk-cat")
        self.directory = tempfile.mkdtemp(prefix="vdisk-compare-")
        self.file = os.path.join(self.directory, "file")
        self._cluster = os.path.join(self.directory, "cluster")

    def __enter__(self):
        try:
            # Twice that is the memory taken at most, when all images are full.
            subprocess.run([CLUSTER, "start", self._cluster, "--size", "6G"], check=True)
            for name, text in CONFIGURATIONS.items():
                self._write_conf(name, text)
            self._make_images()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        subprocess.run([CLUSTER, "stop", self._cluster], check=False)
        shutil.rmtree(self.directory)

    def conf(self, name):
        return os.path.join(self.directory, name + ".conf")

    def _write_conf(self, name, text):
        with open(os.path.join(self._cluster, "ceph.conf"), encoding="utf-8") as original:
            whole = original.read()
        with open(self.conf(name), "w", encoding="utf-8") as conf:
            conf.write(whole.replace("[client]\n", "[client]\n" + text, 1))

    def _rbd(self, *arguments):
        run(["rbd", *arguments], self.conf("none"))

    def _fill(self, image, *arguments):
        run([self.bench, "--fill", "--seconds", "0", "--block-size", "1M", "--depth", "8", *arguments,
             self.conf("none"), image])

    def _make_images(self):
        self._rbd("create", "--size", self.scale.full, "full")
        self._fill("full")
        self._rbd("create", "--size", self.scale.sparse, "sparse")
        self._rbd("bench", "--io-type", "write", "--io-size", "4M", "--io-total", "64M", "--io-threads", "1", "sparse")
        for i in range(self.scale.disks):
            self._rbd("create", "--size", "16M", f"many.{i}")
        self._fill("many", "--disks", str(self.scale.disks))

    def new_file(self):
        """A file that is not there yet."""
        if os.path.exists(self.file):
            os.unlink(self.file)
        return self.file


def _first_line(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[0]


def _find(pattern, path):
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found.group(1) if found else "unknown"


def _free_page_reporting():
    """Whether what is freed goes back to the host, so that to touch it again takes the host's time, now and then."""
    path = "/sys/module/page_reporting/parameters/page_reporting_order"
    largest = 10
    return os.path.exists(path) and int(_find(r"(\d+)", path)) <= largest


def describe_machine():
    """A list of (what, which): nothing that tells whose machine it is."""
    memory = int(_find(r"^MemTotal:\s*(\d+) kB", "/proc/meminfo")) / 2**20
    return [
        ("processor", f"{_find('^model name.*: (.*)', '/proc/cpuinfo')}, {os.cpu_count()} cores"),
        ("memory", f"{memory:.0f} GiB"),
        ("free page reporting", "on" if _free_page_reporting() else "off"),
        ("kernel", platform.release()),
        ("Ceph", re.search(r"version (\S+)", _first_line("ceph", "--version")).group(1) +
         ", one OSD with memstore, on the same machine"),
        ("others", f"{_first_line('fio', '--version')}, {_first_line('qemu-img', '--version')}"),
    ]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is compared, and what is aimed at."""

from collections import namedtuple

from .programs import bench, fio, many, qemu_img_bench, qemu_img_convert, rbd_bench, rbd_export, vdisk_cat

# The ratio of `measure`, that of `ours` by that of `peer`, is to be at least `least`, or at most `most`. None: is shown.
Target = namedtuple("Target", "peer measure least most ours", defaults=(None, None, "vdisk"))
# `contestants`: by name. `rounds`: a bound, for works that take long. `group`: of the tables.
Work = namedtuple("Work", "name contestants targets rounds group", defaults=(None, "targets"))

# Of disks on one connection.
SHARING = (1, 8, 16, 64)
PROFILES = ("throughput", "footprint")


def _small_random(name, rw, depth):
    return Work(
        name,
        {"vdisk": bench("vdisk", rw, "4K", depth), "librbd": bench("librbd", rw, "4K", depth),
         "fio": fio(rw, "4K", depth), "qemu-img bench": qemu_img_bench(rw, "4K", depth)},
        [Target("librbd", "iops", least=0.98), Target("librbd", "cpu", most=1.03), Target("fio", "iops", least=1),
         Target("fio", "cpu"), Target("qemu-img bench", "iops", least=1), Target("qemu-img bench", "cpu")])


def _large_read(name, block):
    return Work(
        name,
        {"vdisk": bench("vdisk", "read", block, 16), "librbd": bench("librbd", "read", block, 16),
         "vdisk zero-copy": bench("vdisk", "read", block, 16, "--zero-copy")},
        [Target("librbd", "mb_per_s", least=0.97), Target("librbd", "cpu"),
         Target("librbd", "mb_per_s", least=1, ours="vdisk zero-copy"),
         Target("librbd", "cpu", ours="vdisk zero-copy")])


def _sequential():
    return [
        Work("4 KiB sequential read QD32, plugged",
             {"vdisk": bench("vdisk", "read", "4K", 32, "--plug"), "librbd": bench("librbd", "read", "4K", 32),
              "fio": fio("read", "4K", 32)},
             [Target("librbd", "iops", least=3), Target("fio", "iops", least=3), Target("librbd", "cpu")]),
        Work("4 KiB sequential write QD32, plugged",
             {"vdisk": bench("vdisk", "write", "4K", 32, "--plug"), "librbd": bench("librbd", "write", "4K", 32)},
             [Target("librbd", "iops", least=3), Target("librbd", "cpu")]),
        Work("4 KiB sequential write QD32, plugged, write-back",
             {"vdisk": bench("vdisk", "write", "4K", 32, "--plug", cache="write-back"),
              "fio": fio("write", "4K", 32, cache="write-back"),
              "rbd bench": rbd_bench("write", "4K", 32, cache="write-back")},
             [Target("fio", "iops", least=1.2), Target("rbd bench", "iops", least=1.2), Target("fio", "cpu")]),
        Work("1 MiB sequential write QD16",
             {"vdisk": bench("vdisk", "write", "1M", 16), "librbd": bench("librbd", "write", "1M", 16),
              "fio": fio("write", "1M", 16)},
             [Target("librbd", "mb_per_s", least=1.3), Target("librbd", "cpu", most=0.75),
              Target("fio", "mb_per_s", least=1.3), Target("fio", "cpu", most=0.75)]),
    ]


def _copies(scale):
    works = [
        Work(f"{scale.full_name} full, into a {into}",
             {"vdisk": vdisk_cat("full", into), "rbd export": rbd_export("full", into)},
             [Target("rbd export", "speed", least=1.2), Target("rbd export", "peak_rss", most=1 / 3)])
        for into in ("pipe", "file")]
    works.append(
        Work(f"{scale.sparse_name}, 64 MiB used, into a file",
             {"vdisk": vdisk_cat("sparse", "file"), "qemu-img convert": qemu_img_convert("sparse")},
             [Target("qemu-img convert", "speed", least=1), Target("qemu-img convert", "peak_rss")]))
    works.append(
        Work(f"{scale.sparse_name}, 64 MiB used, into a file, again",
             {"vdisk": vdisk_cat("sparse", "file"), "rbd export": rbd_export("sparse", "file")},
             [Target("rbd export", "speed", least=20)], rounds=2))
    return works


def _disks(scale):
    sharing = {f"{n} on a connection": many("vdisk", "--disks-per-connection", str(n)) for n in SHARING
               if n <= scale.disks}
    return [
        Work(f"{scale.disks} disks in one process",
             {"vdisk": many("vdisk"), "vdisk, opened together": many("vdisk", "--open-together"),
              "librbd": many("librbd")},
             [Target("librbd", "threads", most=1 / 8), Target("librbd", "rss", most=1 / 2),
              Target("librbd", "opening", most=1 / 3),
              Target("librbd", "opening", most=1 / 3, ours="vdisk, opened together"), Target("librbd", "iops"),
              Target("librbd", "cpu")]),
        Work(f"{scale.disks} disks", sharing,
             [Target("1 on a connection", measure, ours=name) for name in sharing if name != "1 on a connection"
              for measure in ("iops", "cpu", "threads", "rss", "opening")], group="sharing"),
    ]


def _bounds():
    """What the targets that need librbd or the cluster to be faster are up against: librbd alone, without our copy."""
    no_copy = ("--option", "rbd_disable_zero_copy_writes=false")
    no_scheduler = ("--option", "rbd_io_scheduler=none")
    large = {"librbd": bench("librbd", "write", "1M", 16),
             "librbd without any copy": bench("librbd", "write", "1M", 16, *no_copy),
             "vdisk's copy instead of librbd's": bench("vdisk", "write", "1M", 16, *no_copy)}
    small = {"librbd": bench("librbd", "write", "4K", 32),
             "librbd without its scheduler": bench("librbd", "write", "4K", 32, *no_scheduler),
             "librbd, 128 KiB QD1": bench("librbd", "write", "128K", 1),
             "librbd, 64 KiB QD2": bench("librbd", "write", "64K", 2)}
    return [
        Work("1 MiB sequential write QD16", large,
             [Target("librbd", measure, ours=name) for name in large if name != "librbd"
              for measure in ("mb_per_s", "cpu")], group="bounds"),
        Work("4 KiB sequential write QD32", small,
             [Target("librbd", "mb_per_s", ours=name) for name in small if name != "librbd"], group="bounds"),
    ]


def _tuning(scale):
    works = []
    for name, rw, block, depth in (("4 KiB random read QD1", "randread", "4K", 1),
                                   ("4 KiB random read QD32", "randread", "4K", 32),
                                   ("4 KiB random write QD32", "randwrite", "4K", 32),
                                   ("1 MiB sequential read QD16", "read", "1M", 16)):
        contestants = {"none": bench("vdisk", rw, block, depth)}
        targets = []
        for profile in PROFILES:
            contestants[profile] = bench("vdisk", rw, block, depth, "--tuning", profile)
            targets += [Target("none", measure, ours=profile) for measure in ("iops", "cpu", "peak_rss")]
        works.append(Work(name, contestants, targets, group="tuning"))
    disks = {profile: many("vdisk", "--tuning", profile) for profile in ("none", *PROFILES)}
    works.append(Work(f"{scale.disks} disks", disks,
                      [Target("none", measure, ours=profile) for profile in PROFILES
                       for measure in ("iops", "cpu", "threads", "rss")], group="tuning"))
    return works


def all_works(scale):
    return [
        _small_random("4 KiB random read QD1", "randread", 1),
        _small_random("4 KiB random write QD1", "randwrite", 1),
        _small_random("4 KiB random read QD32", "randread", 32),
        _small_random("4 KiB random write QD32", "randwrite", 32),
        *_sequential(),
        _large_read("64 KiB sequential read QD16", "64K"),
        _large_read("1 MiB sequential read QD16", "1M"),
        *_copies(scale),
        *_disks(scale),
        *_bounds(),
        *_tuning(scale),
    ]

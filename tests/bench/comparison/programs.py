# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs that are compared. A contestant is a function that is given the Setting, does some work once, and
returns a dict of what was measured:

    iops, mb_per_s   of the work itself, without opening and closing
    cpu              CPU time for each request in microseconds, of the work itself; vdisk-bench only
    process_cpu      the same of the whole process, opening and closing too
    seconds          of the whole process; for copying
    peak_rss         KiB, of the whole process
    and for disks that are opened: opening, in seconds; threads; rss, in KiB
"""

import json
import re

from .process import run, run_into_pipe

SIZES = {"4K": 4096, "64K": 65536, "1M": 1048576}

# What the latest run of librbd alone managed, by what was to be done: others are told a number of requests, not a time.
_speed = {}


def _requests(setting, rw, block, depth, least):
    """How many requests take about as long as the runs that are told a time."""
    return max(int(_speed.get((rw, block, depth), least) * setting.scale.seconds), 100)


def bench(engine, rw, block, depth, *flags, cache="none", image="full"):
    """vdisk-bench."""
    def contestant(setting):
        result = run([setting.bench, "--engine", engine, "--rw", rw, "--block-size", block, "--depth", str(depth),
                      "--seconds", str(setting.scale.seconds), *flags, setting.conf(cache), image])
        told = json.loads(result.output)
        if engine == "librbd":
            _speed[rw, block, depth] = told["iops"]
        return {"iops": told["iops"], "mb_per_s": told["mb_per_s"], "cpu": told["cpu_us_per_request"],
                "process_cpu": result.cpu * 1e6 / told["requests"], "peak_rss": told["peak_rss_kib"],
                "switches": told["switches_per_request"], "latency": told["latency_us"],
                "opening": told["opening"]["seconds"], "threads": told["opening"]["threads"],
                "rss": told["opening"]["rss_kib"]}
    return contestant


def many(engine, *flags):
    """vdisk-bench with many disks, a request in flight to each."""
    def contestant(setting):
        disks = str(setting.scale.disks)
        return bench(engine, "randread", "4K", disks, "--disks", disks, *flags, image="many")(setting)
    return contestant


def fio(rw, block, depth, cache="none"):
    def contestant(setting):
        command = ["fio", "--output-format=json", "--name=job", "--ioengine=rbd", "--clientname=admin", "--pool=rbd",
                   "--rbdname=full", f"--rw={rw}", f"--bs={block}", f"--iodepth={depth}", "--norandommap",
                   "--time_based", f"--runtime={int(setting.scale.seconds * 1000)}ms"]
        if rw.endswith("write"):
            command.append("--end_fsync=1")
        result = run(command, setting.conf(cache))
        job = json.loads(result.output[result.output.index("{"):])["jobs"][0]
        told = job["write" if rw.endswith("write") else "read"]
        return {"iops": told["iops"], "mb_per_s": told["bw_bytes"] / 1e6, "peak_rss": result.peak_rss,
                "process_cpu": result.cpu * 1e6 / told["total_ios"]}
    return contestant


def qemu_img_bench(rw, block, depth):
    """It cannot go at random, but with a stride that spreads its requests over the whole image."""
    def contestant(setting):
        count = _requests(setting, rw, block, depth, 5000)
        command = ["qemu-img", "bench", "-f", "raw", "-t", "none", "-c", str(count), "-d", str(depth),
                   "-s", str(SIZES[block]), "rbd:rbd/full:conf=" + setting.conf("none")]
        if rw.startswith("rand"):
            command[2:2] = ["-S", str(SIZES[block] * 5003)]
        if rw.endswith("write"):
            command.insert(2, "-w")
        result = run(command)
        seconds = float(re.search(r"Run completed in ([0-9.]+) seconds", result.output).group(1))
        return {"iops": count / seconds, "mb_per_s": count / seconds * SIZES[block] / 1e6,
                "process_cpu": result.cpu * 1e6 / count, "peak_rss": result.peak_rss}
    return contestant


def rbd_bench(rw, block, depth, cache):
    def contestant(setting):
        count = _requests(setting, rw, block, depth, 40000)
        result = run(["rbd", "bench", "--io-type", rw, "--io-size", block, "--io-threads", str(depth), "--io-total",
                      str(count * SIZES[block]), "--io-pattern", "seq", "full"], setting.conf(cache))
        iops = float(re.search(r"^elapsed:.*ops/sec:\s*([0-9.]+)", result.output, re.MULTILINE).group(1))
        return {"iops": iops, "mb_per_s": iops * SIZES[block] / 1e6, "process_cpu": result.cpu * 1e6 / count,
                "peak_rss": result.peak_rss}
    return contestant


def _copied(result):
    return {"seconds": result.seconds, "cpu_seconds": result.cpu, "peak_rss": result.peak_rss}


def _copy(command_of, image, into):
    """`command_of` is given the setting and the image. `into`: "pipe", or "file", by way of standard output."""
    def contestant(setting):
        command = command_of(setting, image)
        if into == "pipe":
            return _copied(run_into_pipe(command, setting.conf("default")))
        with open(setting.new_file(), "wb") as file:
            return _copied(run(command, setting.conf("default"), file))
    return contestant


def vdisk_cat(image, into):
    return _copy(lambda setting, name: [setting.cat, "--quiet", "--conf", setting.conf("default"), "rbd:rbd/" + name],
                 image, into)


def rbd_export(image, into):
    """To a file by its name, as it can leave holes only there."""
    if into == "pipe":
        return _copy(lambda setting, name: ["rbd", "export", "--no-progress", name, "-"], image, into)
    return lambda setting: _copied(run(["rbd", "export", "--no-progress", image, setting.new_file()],
                                       setting.conf("default")))


def qemu_img_convert(image):
    return lambda setting: _copied(run(["qemu-img", "convert", "-f", "raw", "-O", "raw",
                                        f"rbd:rbd/{image}:conf={setting.conf('default')}", setting.new_file()]))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was found, in Markdown."""

from .ratios import outcome

MEASURES = {
    "iops": "IOPS", "mb_per_s": "MB/s", "cpu": "CPU per request", "speed": "speed", "peak_rss": "peak memory",
    "threads": "threads", "rss": "memory after opening", "opening": "time of opening",
}

TITLES = {
    "targets": None,
    "bounds": "### What librbd and the cluster allow",
    "sharing": "### How many disks share a connection",
    "tuning": "### Tuning profiles",
}


def _absolute(measure, number):
    if measure == "speed":
        return f"{1 / number:.2f} s"
    if measure in ("peak_rss", "rss"):
        return f"{number / 1024:.0f} MiB"
    if measure == "cpu":
        return f"{number:.1f} µs"
    if measure == "opening":
        return f"{number * 1000:.0f} ms"
    return f"{number:.0f}"


def _aim(target):
    if target.least is not None:
        return f"≥ {target.least:.3g}"
    return f"≤ {target.most:.3g}" if target.most is not None else ""


def _line(work, target, found):
    head = f"| {work.name} | {target.ours} / {target.peer} | {MEASURES[target.measure]} | {_aim(target)} |"
    if not found:
        return head + " not measured | | | |"
    verdict = {None: "", True: "reached", False: "missed"}[found.reached]
    return (head + f" **{found.ratio:.2f}** ({found.least:.2f}–{found.most:.2f}, {found.pairs}) |"
            f" {_absolute(target.measure, found.ours)} | {_absolute(target.measure, found.theirs)} | {verdict} |")


def _group(works, results):
    lines = ["| work | who / against whom | measure | target | ratio: median (spread, pairs) | who | whom | |",
             "|---|---|---|---|---|---|---|---|"]
    for work in works:
        runs = results.get(work.name + " " + work.group, {})
        lines += [_line(work, target, outcome(target, runs)) for target in work.targets]
    return lines


def tables(works, results):
    lines = []
    for group, title in TITLES.items():
        members = [work for work in works if work.group == group]
        if title:
            lines += ["", title, ""]
        lines += _group(members, results)
    return lines


def machine(description):
    return ["| | |", "|---|---|", *(f"| {what} | {which} |" for what, which in description)]

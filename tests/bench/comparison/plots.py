# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws with gnuplot what was found. Every function returns the name of a plot, or None when there is nothing to draw."""

import os
import subprocess
import sys
from statistics import median

from .ratios import outcome
from .table import MEASURES

QUANTILES = ("p50", "p90", "p99", "p99_9", "p99_99")


def _draw(directory, name, size, script, data):
    """`data`: a list of lists of lines, by the names that the script plots ($data0, $data1, ...)."""
    blocks = "".join(f"$data{i} << END\n" + "\n".join(lines) + "\nEND\n" for i, lines in enumerate(data))
    head = (f"set terminal svg size {size} font 'sans-serif,12' background '#ffffff'\n"
            f"set output '{os.path.join(directory, name)}'\nset encoding utf8\n")
    result = subprocess.run(["gnuplot"], input=head + blocks + script, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        sys.exit("compare: gnuplot failed:\n" + result.stderr)
    return name


def ratios(directory, works, results):
    """The ratios of speed for which there is a target, with their spread, and the targets."""
    found, aims = [], []
    for work in works:
        for target in work.targets:
            one = outcome(target, results.get(work.name + " " + work.group, {}))
            if one and target.least is not None:
                label = f"{work.name}: {target.ours} / {target.peer}, {MEASURES[target.measure]}"
                found.append(f'"{label}" {one.ratio} {one.least} {one.most} {len(found)}')
                aims.append(f"{target.least} {len(aims)}")
    if not found:
        return None
    script = (f"set logscale x 2\nset yrange [{len(found)}:-1]\nset grid x y lc rgb '#dddddd'\n"
              "set lmargin at screen 0.52\nset xlabel 'ratio (more is better)'\nset arrow from 1, graph 0 to 1, graph 1"
              " nohead lc rgb '#888888'\nset key above\n"
              "plot $data0 using 2:5:3:4:yticlabels(1) with xerrorbars pt 7 ps 0.6 lc rgb '#1f5fa8' title 'median,"
              " spread', $data1 using 1:2 with points pt 2 ps 0.8 lc rgb '#c04020' title 'target'\n")
    return _draw(directory, "ratios.svg", f"1000,{120 + 24 * len(found)}", script, [found, aims])


def latency(directory, works, results):
    """How long requests take at queue depth 1, by engine."""
    lines, titles = [], []
    for work in works:
        runs = results.get(work.name + " " + work.group, {})
        for name in ("vdisk", "librbd"):
            if work.name.endswith("QD1") and work.group == "targets" and runs.get(name):
                titles.append(f"{work.name.replace(' QD1', '')}, {name}")
                lines.append([f"{i} {median(one['latency'][quantile] for one in runs[name])}"
                              for i, quantile in enumerate(QUANTILES)])
    if not lines:
        return None
    labels = ", ".join(f"'{quantile[1:].replace('_', '.')} %%' {i}" for i, quantile in enumerate(QUANTILES))
    curves = ", ".join(f"$data{i} using 1:2 with linespoints lw 2 title '{title}'" for i, title in enumerate(titles))
    script = (f"set xtics ({labels})\nset xlabel 'requests that take no longer'\nset ylabel 'microseconds'\n"
              f"set logscale y\nset grid\nset key left top\nset xrange [-0.2:4.2]\nplot {curves}\n")
    return _draw(directory, "latency.svg", "800,480", script, lines)


def sharing(directory, works, results):
    """What sharing connections does, by how many disks share one."""
    panels = {"iops": "IOPS", "threads": "threads", "rss": "memory after opening (MiB)", "opening": "opening (s)"}
    scale = {"rss": 1 / 1024}
    for work in works:
        runs = results.get(work.name + " " + work.group, {})
        if work.group != "sharing" or not runs:
            continue
        data = [[f"{name.split()[0]} {median(one[measure] for one in of_name) * scale.get(measure, 1)}"
                 for name, of_name in runs.items()] for measure in panels]
        script = (f"set multiplot layout 2,2 title '{work.name}, by the number on a connection'\nset logscale x 2\n"
                  "set yrange [0:*]\nset grid\nunset key\n")
        for i, title in enumerate(panels.values()):
            script += f"set title '{title}'\nplot $data{i} using 1:2 with linespoints pt 7 lw 2 lc rgb '#1f5fa8'\n"
        return _draw(directory, "sharing.svg", "900,640", script + "unset multiplot\n", data)
    return None

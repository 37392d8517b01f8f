# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts tables and plots into docs/performance.md, between its markers."""

import os
import sys

from . import plots, table
from .setting import PROJECT

BEGIN = "<!-- tests/bench/compare writes what follows -->"
END = "<!-- tests/bench/compare wrote what precedes -->"

PLOTS = {
    plots.ratios: "Ratios of speed: medians, spreads and targets",
    plots.latency: "Latency of single requests",
    plots.sharing: "Disks on a connection",
}


def _figures(folder, works, results):
    lines = []
    os.makedirs(folder, exist_ok=True)
    for draw, caption in PLOTS.items():
        name = draw(folder, works, results)
        if name:
            lines += ["", f"![{caption}]({os.path.basename(folder)}/{name})"]
    return lines


def _counted():
    """What tests/cost has on record."""
    lines = ["### Instructions of a request inside of libvdisk", "", "| | instructions | locks | rings for a batch |",
             "|---|---|---|---|"]
    with open(os.path.join(PROJECT, "tests", "cost", "costs.txt"), encoding="utf-8") as record:
        lines += ["| " + " | ".join(line.split()) + " |" for line in record if not line.startswith("#")]
    return lines


def write(path, works, saved):
    """`path`: the document, which has the markers. Its plots go into a folder of its name beside it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        sys.exit(f"compare: {path} does not have the lines between which to write")
    body = [BEGIN, "", *table.machine(saved["machine"]), "", f"Runs of {saved['seconds']} s.", "",
            *table.tables(works, saved["results"]), *_figures(path[:-len(".md")], works, saved["results"]), "",
            *_counted(), "", END]
    before, after = text[:text.index(BEGIN)], text[text.index(END) + len(END):]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + "\n".join(body) + after)

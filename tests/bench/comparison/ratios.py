# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what was measured to what is said of it: ratios of each pair of runs, their median and their spread."""

from collections import namedtuple
from statistics import median

# `ours`, `theirs`: medians. `reached`: None where nothing is aimed at. `pairs`: how many there are.
Outcome = namedtuple("Outcome", "target ratio least most ours theirs pairs reached")


def value(result, measure, other):
    """Of a run, to be compared with that of another one. None: was not measured."""
    if measure == "cpu" and ("cpu" not in result or "cpu" not in other):
        return result.get("process_cpu")
    if measure == "speed":
        return 1 / result["seconds"] if "seconds" in result else None
    return result.get(measure)


def _is_reached(target, ratio):
    if target.least is not None:
        return ratio >= target.least
    return ratio <= target.most if target.most is not None else None


def outcome(target, runs):
    """`runs`: lists of results by contestant, in which those of one pair have one index. None: was not measured."""
    pairs = [(value(ours, target.measure, theirs), value(theirs, target.measure, ours))
             for ours, theirs in zip(runs.get(target.ours, []), runs.get(target.peer, []))]
    pairs = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs]
    if not pairs:
        return None
    ratios = [ours / theirs for ours, theirs in pairs]
    ratio = median(ratios)
    return Outcome(target, ratio, min(ratios), max(ratios), median(ours for ours, _ in pairs),
                   median(theirs for _, theirs in pairs), len(pairs), _is_reached(target, ratio))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads what callgrind writes: which function executed how many instructions itself, and in what it called."""

import re
from collections import namedtuple

Function = namedtuple("Function", "name file")
# Of calls of one function by another: how many, and the instructions in them, deeper calls included.
Calls = namedtuple("Calls", "caller callee count cost")


class Profile:
    """`own`: instructions by Function. `calls`: a list of Calls, of one pair often several."""

    def __init__(self, path):
        self.own = {}
        self.calls = []
        self._names = {}
        with open(path, encoding="utf-8", errors="replace") as lines:
            self._read(lines)

    def _name(self, kind, text):
        """Names are written once, as "(7) name", and from then on as "(7)"."""
        number, name = re.fullmatch(r"\((\d+)\)(?: (.*))?", text).groups()
        if name is not None:
            self._names[kind, number] = name
        return self._names[kind, number]

    def _read(self, lines):
        file = function = callee = callee_file = None
        count = None
        for line in lines:
            key, equals, text = line.rstrip("\n").partition("=")
            if equals and key == "fl":
                file = self._name("file", text)
            elif equals and key in ("fi", "fe"):
                self._name("file", text)  # inlined from there: it is part of the function all the same
            elif equals and key == "fn":
                function = Function(self._name("function", text), file)
            elif equals and key in ("cfi", "cfl"):
                callee_file = self._name("file", text)
            elif equals and key == "cfn":
                callee = Function(self._name("function", text), callee_file or file)
                callee_file = None
            elif equals and key == "calls":
                count = int(text.split()[0])
            elif re.match(r"[0-9+*-]", line):
                cost = int(line.split()[1])
                if count is not None:
                    self.calls.append(Calls(function, callee, count, cost))
                    count = None
                else:
                    self.own[function] = self.own.get(function, 0) + cost

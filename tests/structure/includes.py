"""No room includes another that the table in rooms.py does not let it know."""

import os
import re

from rooms import MAY_INCLUDE, MAY_NOT_INCLUDE, is_test
from source import Finding

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE)


def reachable(room):
    """Every room below `room`: what its tests may use to build their input."""
    seen, left = set(), [room]
    while left:
        for below in MAY_INCLUDE[left.pop()]:
            if below not in seen:
                seen.add(below)
                left.append(below)
    return seen


def _included(path, quote, name, tree):
    """The path below src/ that an include means, or None for a header of the system."""
    if quote == '"':
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if beside in tree.paths:
            return beside
    inside = os.path.normpath(os.path.join("src", name))
    return inside if inside in tree.paths or quote == '"' else None


def check(tree):
    findings = []
    for path in tree.select(".c", ".h", ".inc", under=["src/"]):
        parts = path.split("/")
        if len(parts) < 3 or parts[1] not in MAY_INCLUDE:
            findings.append(Finding(path, 0, "in no room that rooms.py knows"))
            continue
        room = parts[1]
        test = is_test(path)
        allowed = reachable(room) if test else set(MAY_INCLUDE[room])
        text = tree.read(path)
        for match in _INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            quote, name = match.groups()
            included = _included(path, quote, name, tree)
            if included is None:
                headers, reason = MAY_NOT_INCLUDE.get(room, ([], ""))
                if name in headers and not test:
                    findings.append(Finding(path, line, f"<{name}>: {reason}"))
                continue
            if included not in tree.paths:
                findings.append(Finding(path, line, f'"{name}" is not in this tree'))
                continue
            other = included.split("/")[1]
            if other != room and other not in allowed:
                findings.append(Finding(path, line, f"room {room} may not know room {other} ({name})"))
    return findings


PROOFS = [
    ("an arrow upwards", {"src/base/a.c": '#include "agent/b.h"\n', "src/agent/b.h": ""}, 1),
    ("an arrow by a relative path", {"src/wire/a.h": '# include "../base/b.h"\n', "src/base/b.h": ""}, 1),
    ("an arrow in angle brackets", {"src/agent/a.c": "#include <base/b.h>\n", "src/base/b.h": ""}, 1),
    ("stdio in the agent", {"src/agent/a.c": "#include <stdio.h>\n"}, 1),
    ("a header that is not there", {"src/base/a.c": '#include "base/none.h"\n'}, 1),
    ("a room that nobody knows", {"src/utils/a.c": ""}, 1),
    ("recording and reading wing", {"src/collector/a.c": '#include "analysis/b.h"\n', "src/analysis/b.h": ""}, 1),
    ("a test that reaches up", {"src/base/test_a.c": '#include "capture/b.h"\n', "src/capture/b.h": ""}, 1),
    ("allowed arrows", {"src/report/a.c": '#include "base/b.h"\n#include "c.h"\n#include <stdio.h>\n',
                        "src/report/c.h": "", "src/base/b.h": ""}, 0),
    ("a test that reaches down", {"src/report/test_a.c": '#include "capture/b.h"\n', "src/capture/b.h": ""}, 0),
]

"""No call of a function that invites mistakes, and none that the room it stands in may not make; no
Python version spelled outside pyabi."""

import re

from rooms import BANNED, MAY_NOT_CALL, is_test
from source import Finding, c_code

# A call, not a member of that name: what stands before is neither '.' nor '->'.
_CALL = r"(?<![\w.>])({})\s*\("
_VERSION = re.compile(r"\b0x03[0-9a-fA-F]{6}[uUlL]*\b|\bPY_(?:VERSION_HEX|M(?:AJOR|INOR)_VERSION)\b")
_DECLARES = re.compile(r"\b(?:void|int|char|float|double|long|size_t|ssize_t|struct\s+\w+)\s*\**\s*$")


def _calls(code, names):
    for match in re.finditer(_CALL.format("|".join(map(re.escape, names))), code):
        if not _DECLARES.search(code[max(0, match.start() - 80):match.start()]):
            yield match


def check(tree):
    findings = []
    for path in tree.select(".c", ".h", ".inc", under=["src/", "tests/", "bench/"]):
        code = c_code(tree.read(path))

        def add(match, message):
            findings.append(Finding(path, code.count("\n", 0, match.start()) + 1, message))

        for match in _calls(code, BANNED):
            add(match, f"{match.group(1)} is banned; use {BANNED[match.group(1)]}")
        parts = path.split("/")
        if parts[0] != "src" or is_test(path):
            continue
        names, reason = MAY_NOT_CALL.get(parts[1], ([], ""))
        for match in _calls(code, names) if names else ():
            add(match, f"{match.group(1)}: {reason}")
        if parts[1] != "pyabi":
            for match in _VERSION.finditer(code):
                add(match, f"{match.group()}: only pyabi knows that Python has versions")
    return findings


PROOFS = [
    ("strcpy", {"src/base/a.c": "void f(char *a, char *b)\n{\n\tstrcpy(a, b);\n}\n"}, 1),
    ("alloca behind an assignment", {"src/base/a.c": "void f(void)\n{\n\tchar *a = alloca (8);\n}\n"}, 1),
    ("system in a test", {"src/base/test_a.c": 'void f(void)\n{\n\tsystem("ls");\n}\n'}, 1),
    ("a clock in an analysis", {"src/analysis/a.c": "void f(void)\n{\n\tclock_gettime(0, &t);\n}\n"}, 1),
    ("allocation in pyabi", {"src/pyabi/a.c": "void f(void)\n{\n\tchar *p = malloc(1);\n}\n"}, 1),
    ("a report that opens a file", {"src/report/a.c": 'void f(void)\n{\n\tfopen("a", "w");\n}\n'}, 1),
    ("a Python version outside pyabi", {"src/agent/a.c": "int f(void)\n{\n\treturn v >= 0x030d0000u;\n}\n"}, 1),
    ("names in comments and strings", {"src/base/a.c": '/* strcpy(a, b) */ const char *s = "system(x)";\n'}, 0),
    ("members and longer names", {"src/base/a.c": "void f(void)\n{\n\ta->system(1);\n\tb.gets(2);\n\tmy_atoi(3);\n}\n"}, 0),
    ("a hook's own definition", {"src/pyabi/a.h": "void free(void *p);\nvoid *malloc(size_t n);\n"}, 0),
    ("a clock in another room", {"src/collector/a.c": "void f(void)\n{\n\tclock_gettime(0, &t);\n}\n"}, 0),
]

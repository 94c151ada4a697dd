"""Nothing in the tree that holds on one machine only (absolute paths of homes and work folders, hosts of
package registries), nothing left undone, and text files that are clean text."""

import re

from source import Finding

# Written so that they do not find themselves.
_WORDS = [
    (re.compile(r"(?<![\w./}$-])/r[o]ot(?:/|\b)"), "a path of one machine"),
    (re.compile(r"(?<![\w./}$-])/h[o]me/[a-z]"), "a path of one machine"),
    (re.compile(r"(?<![\w./}$-])/w[o]rk/"), "a path of one machine"),
    (re.compile(r"\b(?:deb|ftp|archive|security|snapshot)\.(?:debian|ubuntu)\.[a-z]+\b"), "a registry's host"),
    (re.compile(r"\bpypi\.[o]rg\b|\bpythonh[o]sted\.org\b|\bregistry\.npmj[s]\b|\bcrates\.i[o]\b"),
     "a registry's host"),
    (re.compile(r"\bT[O]DO\b|\bFIX[M]E\b|\bX[X]X\b"), "work left undone"),
]
_BINARY = (".sonde", ".png", ".gz", ".zst", ".bin", ".ico", ".woff2")


def check(tree):
    findings = []
    for path in tree.paths:
        if path.endswith(_BINARY) or path == "LICENSE":
            continue
        data = tree.read_bytes(path)
        golden = path.startswith(("tests/golden/", "tests/fuzz/"))
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            if not golden:
                findings.append(Finding(path, 0, "is not UTF-8"))
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, what in _WORDS:
                match = pattern.search(line)
                if match:
                    findings.append(Finding(path, number, f"{match.group()}: {what}"))
            if not golden and line != line.rstrip() and not path.endswith(".md"):
                findings.append(Finding(path, number, "blanks at the end of the line"))
        if not golden and text and not text.endswith("\n"):
            findings.append(Finding(path, 0, "does not end with a line end"))
    return findings


PROOFS = [
    ("a home", {"docs/a.md": "see /h" + "ome/someone/x\n"}, 1),
    ("the superuser's home", {"docs/a.md": "see '/r" + "oot/x'\n"}, 1),
    ("a work folder", {"tools/a": "cd /w" + "ork/main\n"}, 1),
    ("a mirror", {"tools/a": "http://deb.de" + "bian.org/debian\n"}, 1),
    ("a registry", {"tools/a": "pip install --index-url https://py" + "pi.org/simple\n"}, 1),
    ("work left undone", {"src/base/a.c": "/* TO" + "DO: later */\n"}, 1),
    ("blanks at the end of a line", {"src/base/a.c": "int a; \n"}, 1),
    ("no line end", {"src/base/a.c": "int a;"}, 1),
    ("not UTF-8", {"src/base/a.c": b"\xff\xfe\n"}, 1),
    ("harmless words", {"src/base/a.c": "/* /proc/1/root/tmp, $root/root/x, www.debian.org */\n"}, 0),
]

"""A script whose own path is not ASCII, or not text at all, is recorded from its first line."""

import os

PROGRAM = """
def allocate():
    return bytes(1000003)
kept = allocate()
print(__file__.encode("utf-8", "surrogateescape"))
"""


def scenario(lab):
    for name in ("größe und 配列/🐍 программа.py", "latin-\udce9.py"):
        path = lab.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        _, expected, _ = lab.plain([path])
        run = lab.record([path])
        lab.equal(run.output, expected, f"output of {name!a}")
        rows = [row for row in run.rows("total") if 1000003 < row.bytes < 1000131]
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        lab.equal([[(frame.function, frame.file, frame.line) for frame in row.stack] for row in rows],
                  [[("allocate", shown, 3), ("<module>", shown, 4)]], f"the stack of {name!a}")

"""Captures that cannot be written: said in one line before the program has run, and nothing is touched."""

import os

ONE_PYTHON = True
PROGRAM = """
import sys
open(sys.argv[1], "w").close()
kept = bytes(1000003)
"""


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    existing = lab.write("existing.sonde", "precious")
    os.mkdir(lab.path("folder"))
    ran = lab.path("ran")
    cases = [
        (lab.path("nowhere/capture.sonde"), [], (2, 125), b"No such file or directory"),
        ("/proc/nowhere.sonde", [], (2, 3, 125), b""),
        (existing, [], (2,), b"--force"),
        (lab.path("folder"), [], (2,), b"directory"),
        ("-", [], (2,), b"standard output"),
        ("", [], (2,), b""),
        (existing + "/below.sonde", [], (2, 125), b"Not a directory"),
    ]
    for path, options, statuses, word in cases:
        line = [lab.sonde, "run", *options, "-o", path, "--python", lab.python.path, program, ran]
        status, output, errors = lab.execute(line)
        lab.true(status in statuses, f"{path!r}: status {status}, not one of {statuses}")
        lab.true(errors.startswith(b"sonde: ") and errors.count(b"\n") == 1 and word in errors, f"{path!r}: {errors!r}")
        lab.equal(output, b"", f"{path!r}: output")
        lab.true(not os.path.exists(ran), f"{path!r}: the program ran")
    with open(existing, encoding="ascii") as file:
        lab.equal(file.read(), "precious", "the existing file")
    lab.equal(sorted(os.listdir(lab.work)), ["existing.sonde", "folder", "program.py"], "what is left")

    line = [lab.sonde, "run", "-q", "--force", "-o", existing, "--python", lab.python.path, program, ran]
    lab.equal(lab.execute(line)[0], 0, "--force")
    lab.equal(len([row for row in lab.read_capture(existing).rows("total") if 1000003 < row.bytes < 1000131]), 1,
              "--force: the capture")

"""A Python whose structures sonde does not know runs as ever; sonde says which one it is and why it has no stacks."""

import glob
import os

PROGRAM = "import sys\nkept = b'x' * 1000003\nprint('fine')\nsys.exit(3)\n"
VERSION = "const unsigned long Py_Version = 0x%x;\n"
UNKNOWN = {0x031100f0: b"Python 3.17.0 is newer", 0x030f00a4: b"Python 3.15.0a4 is from before"}


def skip(python):
    return "a library of this machine does not load in a root" if python.suite else None


def look(lab, what, program, python, environment, said):
    line = [lab.sonde, "run", "-q", "-o", lab.capture_path(), "--python", python, program]
    status, output, errors = lab.execute(line, environment)
    lab.equal((status, output), (3, b"fine\n"), f"{what}, script: the program")
    lab.true(b"nothing was recorded" in errors and said in errors and errors.count(b"\n") == 1,
             f"{what}, script: {errors!r}")
    run = lab.record([python, program], command=True, status=3, environment=environment)
    lab.equal(run.output, b"fine\n", f"{what}, command: the program")
    lab.true(said in run.errors and b"its stacks were not recorded" in run.errors and run.errors.count(b"\n") == 1,
             f"{what}, command: {run.errors!r}")
    lab.equal({row.stack for row in run.rows("total")}, {()}, f"{what}, command: stacks")
    lab.true(run.stats()["allocated_bytes"] > 1000003, f"{what}, command: bytes")


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    _, maps, _ = lab.plain(["-c", "print(open('/proc/self/maps').read())"])
    if b"/libpython" not in maps:
        raise lab.Skip("a library cannot speak for a Python that is none")
    for version, said in UNKNOWN.items():
        library = lab.path(f"version-{version:x}.so")
        if not lab.compile(lab.write("version.c", VERSION % version), library, "-shared", "-fPIC"):
            raise lab.Skip("no compiler")
        look(lab, hex(version), program, lab.python.path, {"LD_PRELOAD": library}, said)
    older = [python for version in ("2.7", "3.6", "3.7")
             for python in glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}"))]
    for python in older:
        look(lab, python, program, python, {"PYTHONPATH": None}, b"is older than")
    if not older:
        lab.note("there is no Python older than 3.8 here")

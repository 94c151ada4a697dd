"""Script, module, code, folder, zip file and standard input: each sees what it sees without sonde, and is recorded
from its first line."""

import os
import zipfile

PROGRAM = """
import os, sys
def allocate(size):
    return bytes(size)
kept = [allocate(1000003)]
for line in [sys.argv, sys.path, __name__, globals().get("__file__"), sys.flags, sys.executable, os.getcwd(),
             getattr(sys, "orig_argv", None), sorted(os.listdir("/proc/self/fd")), globals().get("__package__"),
             getattr(globals().get("__spec__"), "name", None), getattr(globals().get("__spec__"), "origin", None),
             type(__builtins__), sorted(globals())]:
    print(repr(line))
for name in sorted(set(os.environ) - {"SHLVL", "_"}):
    print(f"environment {name}={os.environ[name]!r}")
"""
HIDDEN = ("SONDE_AGENT_SESSION", "LD_PRELOAD")


def scenario(lab):
    script = lab.write("program.py", PROGRAM)
    lab.write("folder/__main__.py", PROGRAM)
    lab.write("package/__init__.py", "loaded = bytes(50021)\n")
    lab.write("package/__main__.py", PROGRAM)
    lab.write("package/module.py", PROGRAM)
    lab.write("standalone.py", PROGRAM)
    with zipfile.ZipFile(lab.path("archive.zip"), "w") as archive:
        archive.writestr("__main__.py", PROGRAM)
    os.symlink("program.py", lab.path("link.py"))
    forms = {
        "script": [script, "one", "--two", "-o", "--", ""],
        "relative script": ["program.py", "-c"],
        "script by ./": ["./program.py"],
        "symbolic link": ["link.py"],
        "package": ["-m", "package", "one", "-m"],
        "module of a package": ["-m", "package.module"],
        "module": ["-m", "standalone", "--help"],
        "code": ["-c", PROGRAM, "one", "-c"],
        "folder": ["folder", "one"],
        "zip": ["archive.zip", "one"],
    }
    for form, line in forms.items():
        compare(lab, form, line)
    compare(lab, "standard input", ["-", "one"], data=PROGRAM.encode())
    for options in (["-I"], ["-X", "dev"]):
        # Options of Python's own stand behind --, where the command is the interpreter.
        _, expected, _ = lab.plain([*options, script])
        run = lab.record([lab.python.path, *options, script], command=True)
        lab.equal(clean(run.output), clean(expected), f"output behind --, {options}")
        allocated(lab, run, f"behind --, {options}")


def clean(output):
    """Behind -- the agent stays in the environment, since it has to follow into whatever is started."""
    return [line for line in output.splitlines() if not any(name.encode() in line for name in HIDDEN)]


def compare(lab, form, line, data=None):
    more = {"PYTHONPATH": lab.work if form.startswith(("module", "package")) else None}
    status, expected, errors = lab.plain(line, environment=more, data=data)
    lab.equal((status, errors), (0, b""), f"{form}: without sonde")
    run = lab.record(line, environment=more, data=data)
    lab.same_lines(run.output, expected, f"{form}: output")
    lab.equal(run.errors, b"", f"{form}: what sonde and the program said")
    for name in HIDDEN:
        lab.true(name.encode() not in run.output, f"{form}: {name} shows")
    allocated(lab, run, form)
    loaded = [row for row in run.rows("total") if 50021 < row.bytes < 50150]
    lab.equal(len(loaded), 1 if "package" in form else 0, f"{form}: what the package's own module took")


def allocated(lab, run, form):
    rows = [row for row in run.rows("total") if 1000003 < row.bytes < 1000131]
    lab.equal([(row.count, [frame.function for frame in row.stack[:2]], [frame.line for frame in row.stack[:2]])
               for row in rows], [(1, ["allocate", "<module>"], [4, 5])], f"{form}: the block")

"""A program that runs another one in its place (exec): of a script the recording ends there, and sonde says so; of a
command it goes on. An exec that fails, or that a child does, is nobody's end."""

PROGRAM = """
import os, subprocess, sys
def grab(size):
    return bytes(size)
kept = grab(1000003)
me = [sys.executable, __file__]
how = sys.argv[1]
if how == "fails":
    for run in (lambda: os.execv("/nowhere", me), lambda: os.execve("/nowhere", me, {}), lambda: os.execvp("nowhere", me)):
        try:
            run()
        except OSError:
            print("failed")
elif how == "child":
    subprocess.run(["true"])
    if not os.fork():
        os.execv("/bin/true", ["true"])
    os.wait()
elif how == "another":
    os.execv(me[0], me + ["last"])
elif how == "clean":
    os.execve(me[0], me + ["last"], {})
kept = grab(2000003)
print("end")
sys.exit(3)
"""
FIRST, BOTH, ALL = [1], [1, 2], [1, 1, 2]
# What happens: the output, then for script and command the blocks, in millions of bytes, and whether sonde says that
# the recording has an end before the program.
WAYS = {
    "fails": (b"failed\n" * 3 + b"end\n", (BOTH, False), (BOTH, False)),
    "child": (b"end\n", (BOTH, False), (BOTH, False)),
    "another": (b"end\n", (FIRST, True), (ALL, False)),
    "clean": (b"end\n", (FIRST, True), (FIRST, True)),
}


def blocks(run):
    rows = [row for row in run.rows("total", "--function", "grab") if row.stack[0].function == "grab"]
    return sorted(row.bytes // row.count // 1000000 for row in rows for _ in range(row.count))


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    for way, (output, *expected) in WAYS.items():
        for command, (sizes, told) in zip((False, True), expected):
            what = f"{way}, {'command' if command else 'script'}"
            line = [lab.python.path, program, way] if command else [program, way]
            run = lab.record(line, command=command, status=3)
            lab.equal(run.output, output, f"{what}: output")
            lab.equal(blocks(run), sizes, f"{what}: blocks")
            lab.equal((b"(exec)" in run.errors, run.errors.count(b"\n")), (told, int(told)), f"{what}: {run.errors!r}")

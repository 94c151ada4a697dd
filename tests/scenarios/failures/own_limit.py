"""A program that limits its own address space has all of it for itself, and reads back what it had asked for."""

PROGRAM = """
import os, resource
def grab(size):
    return bytes(size)
def look():
    own = resource.getrlimit(resource.RLIMIT_AS)
    print(own, resource.prlimit(0, resource.RLIMIT_AS) == own, resource.prlimit(os.getpid(), resource.RLIMIT_AS) == own)
look()
for soft, hard in ((3 << 29, 2 << 30), (1 << 29, 1 << 30), (1 << 29, 1 << 30), (1 << 28, 1 << 30), (1 << 29, 1 << 30)):
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    look()
try:
    resource.setrlimit(resource.RLIMIT_AS, (2, 1))
except ValueError as error:
    print(error)
kept = grab(100000003)
try:
    grab(4 << 30)
except MemoryError:
    print("no more")
if not os.fork():
    look()
    kept = grab(50000003)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
    look()
    os._exit(0)
print(os.wait()[1])
os.execv("/bin/sh", ["sh", "-c", "exit 3"])
"""


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    status, output, errors = lab.plain([program])
    lab.equal((status, errors), (3, b""), "without sonde")
    run = lab.record([program], status=3)
    lab.same_lines(run.output, output, "output")
    rows = [row for row in run.rows("leaks") if row.stack and row.stack[0].function == "grab"]
    lab.equal([(row.bytes // 1000000, row.count) for row in rows], [(100, 1)], "the block")

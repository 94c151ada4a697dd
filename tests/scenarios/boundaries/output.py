"""Input, output and errors pass through byte by byte, in their order, with or without a reader at the other end."""

PROGRAM = r"""
import sys
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(bytes(range(256)) * 1000)
sys.stdout.buffer.write(data[::-1])
sys.stdout.flush()
sys.stderr.buffer.write(b"\x00\xff\n no newline at the end")
print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.fileno(), len(data))
"""
CLOSED = """
import sys
for number in range(100000):
    print(number)
"""
NO_STREAMS = """
import os, sys
result = []
for fd in (0, 1, 2):
    try:
        os.fstat(fd)
        result.append(True)
    except OSError:
        result.append(False)
with open({path!r}, "w") as file:
    file.write(repr(result) + repr([sys.stdin is None, sys.stdout is None, sys.stderr is None]))
"""


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    data = bytes(range(256)) * 5000
    expected = lab.plain([program], data=data)
    run = lab.record([program], data=data)
    lab.equal((run.status, run.output, run.errors), expected, "with everything piped")

    closed = lab.write("closed.py", CLOSED)
    shell = "{} | head -n 3"
    plain = lab.execute(["/bin/sh", "-c", shell.format(f"{lab.python.path} {closed}")])
    recorded = lab.execute(["/bin/sh", "-c", shell.format(" ".join(lab.record_arguments([closed])))])
    lab.equal(recorded, plain, "a reader that goes away")

    path = lab.path("streams.txt")
    streams = lab.write("streams.py", NO_STREAMS.format(path=path))
    shell = "exec <&- >&- 2>&-; exec {}"
    lab.execute(["/bin/sh", "-c", shell.format(f"{lab.python.path} {streams}")])
    with open(path, encoding="ascii") as file:
        plain = file.read()
    lab.execute(["/bin/sh", "-c", shell.format(" ".join(lab.record_arguments([streams])))])
    with open(path, encoding="ascii") as file:
        lab.equal(file.read(), plain, "with all three streams closed")

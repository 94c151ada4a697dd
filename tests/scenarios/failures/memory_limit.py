"""An address space too small for the segment: the program runs untraced and sonde says so, or sonde says why it
cannot begin. Neither harms the program."""

import resource

PROGRAM = """
import sys
kept = [bytes(100003) for _ in range(100)]
print("fine", len(kept))
sys.exit(3)
"""
LIMITS = (192 << 20, 512 << 20, 1200 << 20, 4 << 30)


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    for limit in LIMITS:
        # Of the target alone: a shell sets it on the way.
        capture = lab.capture_path()
        line = ["sh", "-c", f"ulimit -v {limit >> 10}; exec {lab.python.path} {program}"]
        status, output, errors = lab.execute(lab.record_arguments(line, capture=capture, command=True))
        lab.equal((status, output), (3, b"fine 100\n"), f"{limit >> 20} MB for the target: the program")
        traced = sum(row.count for row in lab.read_capture(capture).rows("total") if row.stack and
                     row.stack[-1].file == program and row.bytes > 100003 * row.count)
        lab.true(traced == 100 or traced == 0 and b"was not recorded" in errors and errors.startswith(b"sonde: "),
                 f"{limit >> 20} MB for the target: {traced} blocks traced, and sonde said {errors!r}")
        # Of sonde too.
        line = lab.record_arguments([program])
        status, output, errors = lab.execute(
            line, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)) if not lab.python.suite
            else None)
        untouched = status in (3, 4, 125) and errors.startswith(b"sonde: ") and not output
        lab.true((status, output) == (3, b"fine 100\n") or untouched,
                 f"{limit >> 20} MB for both: status {status}, output {output!r}, errors {errors!r}")
    lab.true(traced == 100, "with 4 GB it must be traced")

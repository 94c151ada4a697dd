"""Recorded is the user's code, from its first line to its last: nothing of start-up, nothing of teardown; exit
handlers and threads that outlive the main module belong to it. --whole-process has all of it."""

SITE = """
kept_by_site = bytes(2000003)
"""

PROGRAM = """first = bytes(3000017)
import atexit, threading, time

class AtTeardown:
    def __del__(self, bytes=bytes):
        self.kept = bytes(4000037)

def outlives():
    time.sleep(0.2)
    kept.append(bytes(5000011))

def at_exit():
    kept.append(bytes(6000047))

kept = []
teardown = AtTeardown()
teardown.cycle = teardown
atexit.register(at_exit)
threading.Thread(target=outlives, name="outlives").start()
last = bytes(7000003)
"""

INSIDE = {3000017: ["<module>"], 5000011: ["outlives"], 6000047: ["at_exit"], 7000003: ["<module>"]}
OUTSIDE = {2000003: ["<module>"], 4000037: ["__del__", "AtTeardown.__del__"]}


def found(run, size):
    return [row for row in run.rows("total") if size < row.bytes < size + 200]


def scenario(lab):
    lab.write("site/sitecustomize.py", SITE)
    program = lab.write("program.py", PROGRAM)
    environment = {"PYTHONPATH": lab.path("site")}
    for options in ([], ["--aggregate"]):
        run = lab.record([program], options, environment=environment)
        for size, functions in INSIDE.items():
            rows = found(run, size)
            lab.true(len(rows) == 1 and rows[0].count == 1 and rows[0].stack[0].function in functions,
                     f"{options}: {size} bytes, in {functions}", str(rows))
        for size, functions in OUTSIDE.items():
            lab.equal(found(run, size), [], f"{options}: {size} bytes of {functions}, which are not the user's")
        lines = {frame.line for size in (3000017, 7000003) for row in found(run, size) for frame in row.stack}
        lab.equal(lines, {1, 20}, f"{options}: the first and the last line")
        for row in run.rows("total"):
            if row.stack:
                bottom = row.stack[-1]
                lab.true(bottom.file == program or "threading.py" in bottom.file or "<" not in bottom.file and
                         bottom.function not in ("<module>", "_find_and_load"),
                         f"{options}: stands on what is not the user's", str(row))
    whole = lab.record([program], ["--whole-process"], environment=environment)
    for size in [*INSIDE, 2000003]:
        lab.equal(len(found(whole, size)), 1, f"--whole-process: {size} bytes")
    lab.true(any(frame.function == "_find_and_load" for row in whole.rows("total") for frame in row.stack),
             "--whole-process: no frame of importing at start-up")
    lab.true(whole.stats()["allocations"] > run.stats()["allocations"], "--whole-process has not more")

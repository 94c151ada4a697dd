"""sonde ends as the program does: its own status, an exception's 1, 128 + n of a signal; what was recorded is
whole in each case."""

PROGRAM = """
import os, signal, sys
kept = bytes(1000003)
sys.stdout.write("before\\n")
sys.stdout.flush()
{end}
"""
ENDS = {
    "pass": 0,
    "sys.exit(3)": 3,
    "sys.exit('message')": 1,
    "sys.exit(None)": 0,
    "sys.exit(256 + 7)": 7,
    "raise ValueError('x')": 1,
    "raise SystemExit(125)": 125,
    "os._exit(5)": 5,
    "os.abort()": 128 + 6,
    "os.kill(os.getpid(), signal.SIGKILL)": 128 + 9,
    "os.kill(os.getpid(), signal.SIGTERM)": 128 + 15,
    "os.kill(os.getpid(), signal.SIGUSR1)": 128 + 10,
    "signal.signal(signal.SIGSEGV, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGSEGV)": 128 + 11,
    "raise KeyboardInterrupt": 128 + 2,
    "import atexit; atexit.register(os._exit, 9)": 9,
    "os.execv('/bin/sh', ['sh', '-c', 'exit 11'])": 11,
}


def scenario(lab):
    for end, expected in ENDS.items():
        program = lab.write("program.py", PROGRAM.format(end=end))
        status, output, errors = lab.plain([program])
        lab.equal(status if status >= 0 else 128 - status, expected, f"{end}: without sonde")
        run = lab.record([program], status=None)
        lab.equal(run.status, expected, f"{end}: status")
        if lab.python.suite and expected > 128:
            errors = run.errors  # the shell that stands around a root names the signal
        if "os.exec" in end:
            errors = run.errors  # boundaries/replaced has what sonde says of it
        lab.equal((run.output, run.errors), (output, errors), f"{end}: output and errors")
        rows = [row for row in run.rows("leaks") if 1000003 < row.bytes < 1000131]
        lab.equal(len(rows), 1, f"{end}: the block that lived at the end")
        processes = run.stats()["metadata"]["processes"]
        lab.equal([process["exit_status"] for process in processes], [expected], f"{end}: status in the capture")

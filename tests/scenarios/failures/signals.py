"""Signals to sonde and to the terminal's group: the program gets each once, and its end is sonde's."""

import fcntl
import os
import signal
import termios
import time

PROGRAM = """
import os, signal, sys, time
counts = {}
def count(number, frame):
    counts[number] = counts.get(number, 0) + 1
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
    signal.signal(number, count)
kept = bytes(1000003)
print("ready", flush=True)
while signal.SIGQUIT not in counts:
    time.sleep(0.005)
time.sleep(0.1)
print(sorted((int(number), times) for number, times in counts.items()))
sys.exit(8)
"""
DEFAULT = """
import time
print("ready", flush=True)
time.sleep(60)
"""


def skip(python):
    return "processes in a root get no signals from outside" if python.suite else None


def scenario(lab):
    program = lab.write("program.py", PROGRAM)
    sent = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGQUIT)
    capture = lab.capture_path()
    process = lab.start(lab.record_arguments([program], capture=capture))
    process.stdout.readline()
    for number in sent:
        os.kill(process.pid, number)
        time.sleep(0.05)
    status, output, errors = lab.finish(process)
    lab.equal((status, output, errors), (8, repr(sorted((int(number), 1) for number in sent)).encode() + b"\n", b""),
              "to sonde alone")
    lab.equal(len([row for row in lab.read_capture(capture).rows("total") if 1000003 < row.bytes < 1000131]), 1,
              "to sonde alone: the block")

    by_key(lab, program)
    default = lab.write("default.py", DEFAULT)
    # A group that a process signals: the program gets its own, and may get sonde's, which cannot know.
    process = lab.start(lab.record_arguments([default]))
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    status, output, errors = lab.finish(process)
    lab.true((status, output) == (128 + 2, b"") and errors, f"SIGINT to the group: {status} {output!r} {errors!r}")
    process = lab.start(lab.record_arguments([default]))
    process.stdout.readline()
    os.kill(process.pid, signal.SIGTERM)
    lab.equal(lab.finish(process), (128 + 15, b"", b""), "SIGTERM to sonde, which the program does not handle")


def by_key(lab, program):
    """Ctrl-C and Ctrl-\\ on the terminal that both run on."""
    master, slave = os.openpty()

    def take_terminal():
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = lab.start(lab.record_arguments([program]), stdin=slave, preexec_fn=take_terminal)
    os.close(slave)
    process.stdout.readline()
    for key in (b"\x03", b"\x1c"):
        os.write(master, key)
        time.sleep(0.1)
    status, output, errors = lab.finish(process)
    os.close(master)
    lab.equal((status, output, errors), (8, b"[(2, 1), (3, 1)]\n", b""), "keys on the terminal")

"""What the tables have in common: where things are, what a command costs, and how figures are printed."""

import os
import statistics
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
WORK = os.path.join(HERE, "workloads")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sonde")


class Cost:
    """What one command took, with all it started."""

    def __init__(self, wall, cpu, rss_kb, status):
        self.wall, self.cpu, self.rss_kb, self.status = wall, cpu, rss_kb, status


def measure(command):
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit("bench: %s ended with %d" % (" ".join(command), child.returncode))
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, child.returncode)


def spread(values, form="%.2f"):
    return "%s (%s..%s)" % (form % statistics.median(values), form % min(values), form % max(values))


def peers_python(python):
    """The Python of the virtual environment that holds what this one is compared with."""
    version = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], text=True
    ).strip()
    folder = os.path.join(CACHE, "peers-" + version)
    inside = os.path.join(folder, "bin", "python")
    if not os.path.exists(inside):
        subprocess.check_call([python, "-m", "venv", folder])
    return inside

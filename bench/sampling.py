"""Time: sonde beside other programs that look at a running Python from outside."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from measure import ROOT, WORK, peers_python, spread

DEBIAN_ROOT = os.path.join(ROOT, "tools", "debian-root")
NEWEST = "/usr/bin/python3.15"  # in the root of Debian sid
RATES = (100, 1000, 10000)
DEPTHS = (5, 20, 100, 1000)
DEPTH = 20  # where only one is looked at


class Recording:
    """What one recording cost and brought. good: samples with a stack; tries: looks at a thread."""

    def __init__(self, cpu, wall, good, tries, own_cpu=None):
        self.cpu, self.wall, self.good, self.tries, self.own_cpu = cpu, wall, good, tries, own_cpu


class Contender:
    """Records a process by its own command line, as somebody else's children do."""

    top_rate = 1000000  # what it is asked for to find out what it gives

    def command(self, target, rate, seconds):
        raise NotImplementedError

    def result(self, said):
        """(good, tries, own CPU time or None) of the last recording."""
        raise NotImplementedError

    def start(self, target, rate, seconds):
        return subprocess.Popen(
            self.command(target, rate, seconds),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def record(self, target, rate, seconds):
        begin = time.perf_counter()
        process = self.start(target, rate, seconds)
        said = process.stdout.read().decode(errors="replace")
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit("bench: %s ended with %d:\n%s" % (" ".join(process.args), process.returncode, said))
        return Recording(usage.ru_utime + usage.ru_stime, wall, *self.result(said))


class Sonde(Contender):
    name = "sonde"

    def __init__(self, sonde, folder):
        self.sonde = sonde
        self.capture = os.path.join(folder, "capture.sonde")

    def command(self, target, rate, seconds):
        return [
            *(self.sonde, "attach", str(target.pid), "-q", "-f", "-o", self.capture),
            *("-r", str(rate), "-d", "%gs" % seconds),
        ]

    def result(self, said):
        info = json.loads(subprocess.check_output([self.sonde, "info", "--json", self.capture]))
        sampling = info["sampling"]
        good = sampling["samples"] - info["metadata"]["sampling"]["samples_without_stack"]
        return good, sampling["looks"], sampling["cpu_seconds"]


class PySpy(Contender):
    """Misses nothing: where it does not keep up it goes on for longer."""

    name = "py-spy"
    top_rate = 50000

    def __init__(self, python, folder):
        self.program = os.path.join(os.path.dirname(peers_python(python)), "py-spy")
        if not os.path.exists(self.program):
            subprocess.check_call([peers_python(python), "-m", "pip", "install", "-q", "py-spy"])
        self.out = os.path.join(folder, "py-spy.txt")

    def version(self):
        return subprocess.check_output([self.program, "--version"], text=True).strip()

    def command(self, target, rate, seconds):
        return [
            *(self.program, "record", "-p", str(target.pid), "-r", str(rate), "-d", "%d" % round(seconds)),
            *("-f", "raw", "-o", self.out),
        ]

    def result(self, said):
        samples, errors = re.search(r"Samples: (\d+) Errors: (\d+)", said).groups()
        return int(samples) - int(errors), int(samples), None


class ProfilingSampling(Contender):
    """Runs where the target does: it looks for the Python by the path that it has there."""

    name = "profiling.sampling"

    def __init__(self, folder):
        self.out = os.path.join(folder, "profiling.txt")

    def command(self, target, rate, seconds):
        return [
            *("nsenter", "--target", str(target.pid), "--mount", "--root", "--", NEWEST, "-m", "profiling.sampling"),
            *("attach", "-a", "-r", str(rate), "-d", "%g" % seconds, "--collapsed", "-o", self.out, str(target.pid)),
        ]

    def result(self, said):
        tries = int(re.search(r"Captured ([\d,]+) samples", said)[1].replace(",", ""))
        with open(self.out, encoding="utf-8") as file:
            good = sum(int(line.rpartition(" ")[2]) for line in file)
        return good, tries, None


class Target:
    """A workload that runs until it is ended."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        )
        self.pid = int(self.process.stdout.readline() or 0)
        if not self.pid:
            raise SystemExit("bench: %s does not run" % " ".join(command))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Subject:
    """A Python that is looked at, and who looks."""

    def __init__(self, prefix, python, contenders):
        self.prefix, self.python, self.contenders = prefix, python, contenders
        self.version = subprocess.check_output([*prefix, python, "--version"], text=True).strip()

    def start(self, *arguments):
        program = [self.python, os.path.join(WORK, "levels.py"), *(str(argument) for argument in arguments)]
        return Target([*self.prefix, *program])


class Sampling:
    TABLES = ["sampling-cost", "sampling-rate", "sampling-slowdown"]

    def __init__(self, options):
        self.rounds = options.rounds
        self.quick = options.quick
        self.folder = tempfile.mkdtemp(prefix="sonde-bench-")
        os.chmod(self.folder, 0o755)
        sonde = Sonde(os.path.join(os.path.abspath(options.build), "sonde"), self.folder)
        spy = PySpy(options.python, self.folder)
        self.peers = [spy.version()]
        self.subjects = [Subject([], options.python, [sonde, spy])]
        prefix = [DEBIAN_ROOT, "exec", "sid", "--"]
        if subprocess.call([*prefix, NEWEST, "-c", "import profiling.sampling"], stderr=subprocess.DEVNULL) == 0:
            self.subjects.append(Subject(prefix, NEWEST, [sonde, ProfilingSampling(self.folder), spy]))
        else:
            self.peers.append("no Python 3.15 with profiling.sampling here (make pythons)")

    def title(self):
        return "; ".join([", ".join(subject.version for subject in self.subjects), *self.peers])

    def run(self, table):
        for subject in self.subjects:
            {"sampling-cost": self.cost, "sampling-rate": self.rate, "sampling-slowdown": self.slowdown}[table](subject)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def say(title, text):
        print("%-36s %s" % (title, text))
        sys.stdout.flush()

    def compare(self, title, values, unit, form="%.1f"):
        """values: {contender: [one a round]}; the first one is sonde."""
        names = list(values)
        self.say(title, "; ".join("%s %s %s" % (name, spread(values[name], form), unit) for name in names))
        for name in names[1:]:
            ratios = [theirs / max(ours, 1e-12) for ours, theirs in zip(values[names[0]], values[name])]
            self.say("", "%s / sonde: %s" % (name, spread(ratios)))

    def cost(self, subject):
        """CPU time per sample, of what a long recording takes beyond a short one: starting and writing are in both."""
        short, long = (1, 2) if self.quick else (1, 4)
        for depth in DEPTHS:
            values = {contender.name: [] for contender in subject.contenders}
            own = []
            with subject.start(depth) as target:
                for _ in range(self.rounds):
                    for contender in subject.contenders:
                        one, other = (contender.record(target, 1000, seconds) for seconds in (short, long))
                        more = max(other.good - one.good, 1)
                        values[contender.name].append((other.cpu - one.cpu) / more * 1e6)
                        if other.own_cpu is not None:
                            own.append(other.own_cpu / other.good * 1e6)
            self.compare("%s, depth %d" % (subject.version, depth), values, "us")
            self.say("", "sonde's sampling thread alone, by its own books: %s us" % spread(own, "%.1f"))

    def rate(self, subject):
        """The most samples a second that come with a stack, and how many were tried."""
        values = {contender.name: [] for contender in subject.contenders}
        tries = {contender.name: [] for contender in subject.contenders}
        with subject.start(DEPTH) as target:
            for _ in range(self.rounds):
                for contender in subject.contenders:
                    recording = contender.record(target, contender.top_rate, 1 if self.quick else 3)
                    values[contender.name].append(recording.good / recording.wall)
                    tries[contender.name].append(recording.tries / recording.wall)
        title = "%s, depth %d" % (subject.version, DEPTH)
        names = list(values)
        for name in names:
            good, tried = (spread(figures[name], "%.0f") for figures in (values, tries))
            self.say(title, "%s %s good samples/s of %s" % (name, good, tried))
            title = ""
        for name in names[1:]:
            self.say("", "sonde / %s: %s" % (name, spread([a / b for a, b in zip(values[names[0]], values[name])])))

    def slowdown(self, subject):
        """How much less the target does while it is recorded: a moment without and one with each, in turn."""
        counter = os.path.join(self.folder, "rounds")
        with open(counter, "wb") as file:
            file.write(bytes(8))
        seconds = 0.4 if self.quick else 1.0
        with subject.start(DEPTH, counter) as target:
            for rate in RATES:
                values = {contender.name: [] for contender in subject.contenders}
                for _ in range(self.rounds):
                    for contender in subject.contenders:
                        before = throughput(counter, seconds)
                        process = contender.start(target, rate, round(seconds + 1))
                        time.sleep(0.4)  # until it is at work
                        during = throughput(counter, seconds)
                        process.communicate()
                        after = throughput(counter, seconds)
                        if not before + after:
                            raise SystemExit("bench: the target does not go on (%s)" % contender.name)
                        values[contender.name].append(100 * (1 - during / ((before + after) / 2)))
                title = "%s at %d Hz" % (subject.version, rate)
                self.say(title, "slower by " + "; ".join("%s %s %%" % (name, spread(values[name])) for name in values))


def throughput(counter, seconds):
    """Rounds a second, now."""
    with open(counter, "rb", buffering=0) as file:
        begin, first = time.perf_counter(), struct.unpack("Q", file.read(8))[0]
        time.sleep(seconds)
        file.seek(0)
        end, last = time.perf_counter(), struct.unpack("Q", file.read(8))[0]
    return (last - first) / (end - begin)

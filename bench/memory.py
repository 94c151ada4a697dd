"""Memory: sonde beside Memray, on the same programs and the same Python."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from measure import WORK, measure, peers_python, spread


class Memory:
    TABLES = ["calls", "alloc", "depth", "threads", "objects", "startup", "size", "reading", "maps"]

    def __init__(self, options):
        self.sonde = os.path.join(os.path.abspath(options.build), "sonde")
        self.rounds = options.rounds
        self.divide = 10 if options.quick else 1
        self.huge = options.huge
        self.python = self.peer_python(options.python)
        self.folder = tempfile.mkdtemp(prefix="sonde-bench-")
        self.capture = os.path.join(self.folder, "capture.sonde")
        self.peer_capture = os.path.join(self.folder, "capture.bin")

    @staticmethod
    def peer_python(python):
        """A Python that has Memray: its own, or one in a virtual environment made from it."""
        if subprocess.call([python, "-c", "import memray"], stderr=subprocess.DEVNULL) == 0:
            return python
        inside = peers_python(python)
        if subprocess.call([inside, "-c", "import memray"], stderr=subprocess.DEVNULL):
            subprocess.check_call([inside, "-m", "pip", "install", "-q", "memray"])
        return inside

    def title(self):
        version = subprocess.check_output([self.python, "--version"], text=True).strip()
        peer = subprocess.check_output(
            [self.python, "-c", "from importlib.metadata import version; print(version('memray'))"], text=True
        ).strip()
        return "%s, Memray %s" % (version, peer)

    def run(self, table):
        getattr(self, table)()

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def with_sonde(self, program, *flags):
        return [self.sonde, "run", "-q", "-f", "-o", self.capture, "--python", self.python, *flags, *program]

    def with_peer(self, program, *flags):
        return [self.python, "-m", "memray", "run", "-q", "-f", "-o", self.peer_capture, *flags, *program]

    def compare(self, title, program, sonde_flags=(), peer_flags=(), events=None):
        """One row: the plain program, under sonde, under Memray, in turn."""
        plain_command = [self.python, *program]
        rows = []
        measure(plain_command)
        for _ in range(self.rounds):
            rows.append(
                (
                    measure(plain_command),
                    measure(self.with_sonde(program, *sonde_flags)),
                    measure(self.with_peer(program, *peer_flags)),
                )
            )
        plain_cpu = statistics.median(p.cpu for p, _, _ in rows)
        plain_wall = statistics.median(p.wall for p, _, _ in rows)
        times = [s.wall / p.wall for p, s, _ in rows]
        peer_times = [m.wall / p.wall for p, _, m in rows]
        cpu = [(s.cpu - plain_cpu) / max(m.cpu - plain_cpu, 1e-9) for _, s, m in rows]
        wall = [(s.wall - plain_wall) / max(m.wall - plain_wall, 1e-9) for _, s, m in rows]
        print("%-28s plain %.3f s; sonde x%s, Memray x%s" % (title, plain_wall, spread(times), spread(peer_times)))
        print("%-28s added by sonde / added by Memray: wall %s, CPU %s" % ("", spread(wall), spread(cpu)))
        if events:
            print(
                "%-28s ns per event: sonde wall %s, CPU %s; Memray %s"
                % (
                    "",
                    spread([(s.wall - plain_wall) / events * 1e9 for _, s, _ in rows], "%.0f"),
                    spread([(s.cpu - plain_cpu) / events * 1e9 for _, s, _ in rows], "%.0f"),
                    spread([(m.wall - plain_wall) / events * 1e9 for _, _, m in rows], "%.0f"),
                )
            )
        sys.stdout.flush()

    def count(self, number):
        return max(number // self.divide, 1)

    def program(self, name, *arguments):
        return [os.path.join(WORK, name), *(str(argument) for argument in arguments)]

    # Tables.

    def calls(self):
        self.compare("fib(32)", self.program("fib.py", 32 if self.divide == 1 else 27))

    def alloc(self):
        n = self.count(1000000)
        self.compare("1M buffers, 30 deep", self.program("buffers.py", n, 30, 1), events=2 * n)
        self.compare(
            "the same, aggregated", self.program("buffers.py", n, 30, 1), ["--aggregate"], ["--aggregate"], 2 * n
        )
        self.compare(
            "the same, sampled 512K", self.program("buffers.py", n, 30, 1), ["--sample-rate", "512K"], events=2 * n
        )

    def depth(self):
        n = self.count(1000000)
        for depth in (1, 10, 50, 200):
            self.compare("1M buffers, depth %d" % depth, self.program("buffers.py", n, depth, 1), events=2 * n)

    def threads(self):
        n = self.count(1000000)
        for threads in (1, 2, 4):
            title = "%d Python thread%s" % (threads, "s" if threads > 1 else "")
            self.compare(title, self.program("buffers.py", n // threads, 30, threads), events=2 * n)
        library = os.path.join(self.folder, "churn.so")
        subprocess.check_call(
            ["cc", "-O2", "-fno-builtin", "-shared", "-fPIC", "-o", library, os.path.join(WORK, "churn.c")]
        )
        n = self.count(2000000)
        for threads in (1, 2, 4):
            title = "%d native thread%s, no GIL" % (threads, "s" if threads > 1 else "")
            self.compare(title, self.program("parallel.py", library, n // threads, threads), events=2 * n)

    def objects(self):
        n = self.count(20000)
        flags = ["--trace-python-allocators"]
        for depth in (5, 50):
            self.compare("JSON, depth %d, pymalloc" % depth, self.program("objects.py", n, depth), flags, flags)

    def startup(self):
        program = ["-c", "pass"]
        self.compare("-c pass", program)
        plain, sonde, peer = [], [], []
        script = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        for _ in range(self.rounds):
            for command, values in (
                ([self.python, "-c", script], plain),
                (self.with_sonde(["-c", script]), sonde),
                (self.with_peer(["-c", script]), peer),
            ):
                values.append(int(subprocess.check_output(command, stderr=subprocess.DEVNULL).split()[-1]) / 1024)
        base = statistics.median(plain)
        print(
            "%-28s memory of the target, MB: plain %.1f, sonde +%.1f, Memray +%.1f"
            % ("", base, statistics.median(sonde) - base, statistics.median(peer) - base)
        )
        walls = [[], [], []]
        for _ in range(self.rounds):
            for i, command in enumerate(([self.python, *program], self.with_sonde(program), self.with_peer(program))):
                walls[i].append(measure(command).wall * 1e3)
        base = statistics.median(walls[0])
        print(
            "%-28s ms: plain %.1f, sonde +%s, Memray +%s"
            % (
                "",
                base,
                spread([wall - base for wall in walls[1]], "%.1f"),
                spread([wall - base for wall in walls[2]], "%.1f"),
            )
        )

    def events_of(self, capture):
        stats = json.loads(subprocess.check_output([self.sonde, "stats", "--json", capture]))
        return stats["allocations"] + stats["deallocations"]

    def size(self):
        n = self.count(1000000)
        for title, program, flags in (
            ("uniform loop", self.program("buffers.py", n, 30, 1), []),
            ("JSON, pymalloc", self.program("objects.py", self.count(20000), 5), ["--trace-python-allocators"]),
            ("start-up and imports", self.program("imports.py"), []),
        ):
            measure(self.with_sonde(program, *flags))
            measure(self.with_peer(program, *flags))
            events = self.events_of(self.capture)
            ours, theirs = os.path.getsize(self.capture), os.path.getsize(self.peer_capture)
            print(
                "%-28s %d events: sonde %.3f B/event, Memray %.3f B/event, ratio %.2f"
                % (title, events, ours / events, theirs / events, ours / theirs)
            )
            sys.stdout.flush()

    def reading(self):
        counts = [1000000, 10000000] + ([100000000] if self.huge else [])
        for events in counts:
            n = self.count(events) // 2
            program = self.program("buffers.py", n, 30, 1)
            measure(self.with_sonde(program))
            peer = events <= 10000000
            if peer:
                measure(self.with_peer(program))
            ours, theirs = [], []
            page = os.path.join(self.folder, "page.html")
            for _ in range(self.rounds):
                ours.append(measure([self.sonde, "flamegraph", "-q", "-f", "-o", page, self.capture]))
                if peer:
                    theirs.append(
                        measure([self.python, "-m", "memray", "flamegraph", "-f", "-o", page, self.peer_capture])
                    )
            line = "sonde %s s, %d MB" % (
                spread([cost.wall for cost in ours], "%.3f"),
                max(cost.rss_kb for cost in ours) / 1024,
            )
            if peer:
                line += "; Memray %s s, %d MB; ratio %s" % (
                    spread([cost.wall for cost in theirs], "%.3f"),
                    max(cost.rss_kb for cost in theirs) / 1024,
                    spread([a.wall / b.wall for a, b in zip(ours, theirs)]),
                )
            print("%-28s %s" % ("%d events to flame graph" % (2 * n), line))
            sys.stdout.flush()

    def maps(self):
        for count in (2000, 4000, 8000):
            program = self.program("maps.py", count)
            measure(self.with_sonde(program))
            measure(self.with_peer(program))
            ours = [measure([self.sonde, "table", self.capture]).wall for _ in range(self.rounds)]
            theirs = [
                measure(
                    [self.python, "-m", "memray", "table", "-f", "-o", os.path.join(self.folder, "t"), self.peer_capture]
                ).wall
                for _ in range(self.rounds)
            ]
            print(
                "%-28s read in: sonde %s s, Memray %s s"
                % ("%d map/unmap pairs" % count, spread(ours, "%.3f"), spread(theirs, "%.3f"))
            )
        self.compare("8000 map/unmap pairs", self.program("maps.py", 8000))

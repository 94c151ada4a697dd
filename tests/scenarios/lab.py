"""One scenario on one Python: runs programs under sonde and without it, reads the captures, and collects
what is not as expected."""

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from itertools import zip_longest

import packages

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, "target")
CASE_BYTES = 50000  # blocks of cases are larger; what Python takes by the way is not
ARENAS = (256 << 10, 1 << 20)  # what pymalloc maps: no case has this size

Frame = collections.namedtuple("Frame", "function file line kind")
Row = collections.namedtuple("Row", "bytes count allocator pid tid thread stack")


class Skip(Exception):
    """The scenario cannot be played here."""


class Failure(Exception):
    """The scenario cannot go on: what it needs did not happen."""


def innermost(row):
    """The innermost frame of Python code, or None."""
    return next((frame for frame in row.stack if frame.kind == "python"), None)


def sums(rows):
    """(bytes, count) of rows together."""
    rows = list(rows)
    return sum(row.bytes for row in rows), sum(row.count for row in rows)


def by_allocator(rows):
    """{allocator: (bytes, count)}."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row.allocator].append(row)
    return {allocator: sums(group) for allocator, group in groups.items()}


class Capture:
    """A capture file, read with sonde's own reading commands."""

    def __init__(self, sonde, path):
        self.sonde = sonde
        self.path = path
        self._tables = {}

    def read(self, *arguments, timeout=120):
        return subprocess.run([self.sonde, *arguments, self.path], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False)

    def _json(self, *arguments):
        read = self.read(*arguments, "--json")
        if read.returncode:
            raise Failure(f"sonde {' '.join(arguments)} ends with {read.returncode}: "
                          f"{read.stderr.decode(errors='replace').strip()}")
        try:
            return json.loads(read.stdout)
        except ValueError as error:
            raise Failure(f"sonde {' '.join(arguments)} --json is no JSON: {error}: {read.stdout[:200]!r}") from error

    def table(self, metric="total", *options):
        """The JSON of `sonde table`."""
        key = (metric, *options)
        if key not in self._tables:
            self._tables[key] = self._json("table", f"--{metric}", *options)
        return self._tables[key]

    def rows(self, metric="total", *options):
        return [Row(row["bytes"], row["count"], row["allocator"], row.get("pid"), row.get("tid"), row.get("thread"),
                    tuple(Frame(frame["function"], frame.get("file", ""), frame.get("line", 0), frame["kind"])
                          for frame in row["stack"])) for row in self.table(metric, *options)["rows"]]

    def stats(self):
        return self._json("stats")

    def case(self, function, metric="total", *options, least=CASE_BYTES):
        """Rows of what this function of the target itself took, Python's own needs left out."""
        return [row for row in self.rows(metric, *options)
                if innermost(row) and innermost(row).function.rpartition(".")[2] == function and
                row.bytes >= least * row.count and
                not (row.allocator == "mmap" and row.bytes in [arena * row.count for arena in ARENAS])]

    def marked(self, metric="total", *options):
        """{stack: (bytes, count)} of the blocks that mark() took; a stack is a tuple of (function, file,
        line), innermost first."""
        found = collections.defaultdict(lambda: (0, 0))
        for row in self.rows(metric, "--function", "mark", *options):
            first = innermost(row)
            if first and first.file.endswith("/mark.py") and first.function == "mark" and row.allocator == "malloc":
                stack = tuple((frame.function, frame.file, frame.line) for frame in row.stack)
                size, count = found[stack]
                found[stack] = (size + row.bytes, count + row.count)
        return dict(found)


class Run(Capture):
    """A finished `sonde run`."""

    def __init__(self, sonde, path, status, output, errors, seconds):
        super().__init__(sonde, path)
        self.status = status
        self.output = output
        self.errors = errors
        self.seconds = seconds


class Lab:
    """Where one scenario is played on one Python. The checks note what is wrong and go on."""

    Skip = Skip
    Failure = Failure

    def __init__(self, name, script, python, build, blocks, limit_seconds):
        self.name = name
        self.script = script
        self.python = python
        self.build = build
        self.sonde = os.path.join(build, "sonde")
        self.blocks = blocks
        self.limit_seconds = limit_seconds
        self.binds = [build]  # folders that a target in a root sees at their own place
        self.problems = []
        self.notes = []
        self.work = tempfile.mkdtemp(prefix="sonde-scenario-")
        self._captures = 0

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    # Running

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def write(self, name, text, mode=0o644):
        """A file in the scenario's own folder; its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def environment(self, **more):
        variables = {
            "PYTHONPATH": TARGET,
            "PYTHONPYCACHEPREFIX": os.path.join(os.path.dirname(self.blocks), "pycache"),
            "SCENARIO_BLOCKS": self.blocks,
            "SCENARIO_MARKS": self.path("marks.json"),
            "LC_ALL": "C.UTF-8",
        }
        variables.update(more)
        return {name: str(value) for name, value in variables.items() if value is not None}

    def _clean(self):
        """What a target inherits from whoever runs the tests."""
        return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "USER") if name in os.environ}

    def command(self, arguments, **environment):
        return self.python.command(arguments, self.environment(**environment), binds=self.binds)

    def start(self, arguments, environment=None, **popen):
        """A process that the caller waits for; in a session of its own."""
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("cwd", self.work)
        popen.setdefault("bufsize", 0)  # communicate() does not see what a readline() has read ahead
        return subprocess.Popen(self.command(arguments, **(environment or {})), env=self._clean(),
                                start_new_session=True, **popen)

    def finish(self, process, data=None):
        """(status, output, errors) of a process from start(); it is ended when it takes too long."""
        late = threading.Event()

        def end():
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(self.limit_seconds, end)
        timer.start()
        try:
            output, errors = process.communicate(data)
        finally:
            timer.cancel()
        if late.is_set():
            raise Failure(f"{' '.join(process.args)[-300:]} took more than {self.limit_seconds} s and was ended",
                          (errors or b"").decode(errors="replace")[-2000:])
        return process.returncode, output, errors

    def execute(self, arguments, environment=None, data=None, **popen):
        if data is not None:
            popen["stdin"] = subprocess.PIPE
        return self.finish(self.start(arguments, environment, **popen), data)

    def capture_path(self):
        self._captures += 1
        return self.path(f"{self._captures}.sonde")

    def record_arguments(self, arguments, options=(), capture=None, command=False):
        """The command line of `sonde run`, for this Python unless it is for a command."""
        chosen = ["--"] if command else ["--python", self.python.path]
        return [self.sonde, "run", "-q", "-o", capture or self.capture_path(), *options, *chosen, *arguments]

    def record(self, arguments, options=(), environment=None, data=None, status=0, command=False, **popen):
        """`sonde run` to its end; status: what it must end with, None if that is the scenario's business."""
        path = self.capture_path()
        begin = time.monotonic()
        line = self.record_arguments(arguments, options, path, command)
        ended, output, errors = self.execute(line, environment, data, **popen)
        run = Run(self.sonde, path, ended, output, errors, time.monotonic() - begin)
        if status is not None and ended != status:
            raise Failure(f"sonde run ends with {ended}, not {status}",
                          (errors or b"").decode(errors="replace")[-3000:])
        return run

    def read_capture(self, path):
        return Capture(self.sonde, path)

    @staticmethod
    def exists(path):
        return os.path.lexists(path)

    def compile(self, source, program, *options):
        """Whether a C program could be made."""
        return subprocess.run([os.environ.get("CC", "cc"), "-O0", "-fno-builtin", "-o", program, source, *options],
                              check=False).returncode == 0

    def record_self(self, *arguments, options=(), **more):
        """The scenario's own file as the target."""
        return self.record([self.script, *arguments], options, **more)

    @contextlib.contextmanager
    def standing(self, *arguments, environment=None, script=None):
        """The scenario's own file as a process of its own, without sonde, until it has said with standstill.ready()
        that it is where it should be; what it said. It is ended behind."""
        process = self.start([self.python.path, "-u", script or self.script, *arguments], environment)
        timer = threading.Timer(self.limit_seconds, lambda: os.killpg(process.pid, signal.SIGKILL))
        timer.start()
        try:
            said = []
            for line in process.stdout:
                said.append(line.decode(errors="replace"))
                what = json.loads(line) if line.startswith(b"{") else {}
                if what.get("ready"):
                    break
            else:
                raise Failure(f"the target ended with {process.wait()} before it was ready", "".join(said)[-2000:],
                              process.stderr.read().decode(errors="replace")[-2000:])
            yield what
        finally:
            timer.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def dumps(self, pid, *options, status=0):
        """The documents of `sonde dump --json`."""
        line = [self.sonde, "dump", "--json", *options, str(pid)]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.limit_seconds, check=False)
        if done.returncode != status:
            raise Failure(f"{' '.join(line[1:])} ends with {done.returncode}, not {status}",
                          done.stderr.decode(errors="replace")[-2000:])
        return [json.loads(text) for text in done.stdout.splitlines()]

    def dump(self, pid, *options, until=None):
        """The threads of the one process that one dump of it shows, by name. until: what must be so before, as
        {thread: function that it is in}; the target was ready, but may not have gone on to there yet."""
        deadline = time.monotonic() + self.limit_seconds / 2
        while True:
            document, = self.dumps(pid, *options)
            process, = document["processes"]
            threads = {thread["thread"]: thread for thread in process["threads"]}
            if time.monotonic() > deadline or all(
                    name in threads and threads[name]["stack"] and
                    threads[name]["stack"][0]["function"].rpartition(".")[2] == function
                    for name, function in (until or {}).items()):
                break
            time.sleep(0.05)
        self.equal((document["schema"], process["pid"]), ("sonde.dump/1", pid), "what was dumped")
        return threads

    def site_packages(self, requirements):
        """A folder for PYTHONPATH with packages from PyPI, or the scenario is skipped."""
        try:
            folder = packages.folder_of(self.python.minor, self.python.free_threaded, requirements)
        except packages.Unavailable as error:
            raise Skip(str(error)) from error
        self.binds.append(folder)
        return folder

    def plain(self, arguments, environment=None, data=None, **popen):
        """(status, output, errors) of this Python without sonde."""
        return self.execute([self.python.path, *arguments], environment, data, **popen)

    # Expecting

    def fail(self, what, *lines):
        self.problems.append([what, *lines])

    def note(self, text):
        self.notes.append(text)

    def true(self, condition, what, *lines):
        if not condition:
            self.fail(what, *lines)
        return bool(condition)

    def equal(self, found, expected, what):
        if found == expected:
            return True
        if isinstance(found, dict) and isinstance(expected, dict):
            keys = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
            self.fail(what, *(f"{_short(key)}: expected {_short(expected.get(key))}, found {_short(found.get(key))}"
                              for key in keys[:6]))
        else:
            self.fail(what, f"expected {_short(expected)}", f"found    {_short(found)}")
        return False

    def same_lines(self, found, expected, what):
        """Two outputs; shows the first lines that differ."""
        if found == expected:
            return True
        pairs = list(zip_longest(expected.splitlines(), found.splitlines()))
        self.fail(what, *(text for wanted, got in [pair for pair in pairs if pair[0] != pair[1]][:6]
                          for text in (f"expected {_short(wanted)}", f"found    {_short(got)}")))
        return False

    def cases(self, run, expected, metrics=("total", "leaks"), options=()):
        """expected: {function: {metric: {allocator: (bytes, count)}}}; a metric left out is nothing."""
        for function, metric_rows in expected.items():
            for metric in metrics:
                self.equal(by_allocator(run.case(function, metric, *options)), metric_rows.get(metric, {}),
                           f"{function}: {metric}")

    def marks(self):
        """[(label, bytes, stack)] as Python saw its stacks."""
        try:
            with open(self.path("marks.json"), encoding="utf-8") as file:
                return [(label, size, tuple(tuple(frame) for frame in stack)) for label, size, stack in
                        json.load(file)]
        except (OSError, ValueError) as error:
            raise Failure(f"the target left no marks: {error}") from error

    def same_stacks(self, run, least):
        """Every mark has the stack in the capture that Python says it had; there are at least so many."""
        marks = self.marks()
        self.true(len(marks) >= least, f"only {len(marks)} marks, {least} were to be made")
        expected = collections.defaultdict(lambda: (0, 0))
        labels = {}
        for label, size, stack in marks:
            bytes_so_far, count = expected[stack]
            expected[stack] = (bytes_so_far + size, count + 1)
            labels.setdefault(stack, label or stack[1][0])
        found = run.marked()
        for stack, what in expected.items():
            if found.get(stack) == what:
                continue
            other = next((s for s, w in found.items() if w == what), None)
            self.fail(f"mark {labels[stack]!r}: " + ("another stack" if other else f"not there: {what}, found "
                                                    f"{found.get(stack)}"), *_compare(stack, other))
        for stack in found:
            if stack not in expected:
                self.true(any(what == found[stack] for what in expected.values()), "a stack that Python did not have",
                          *_compare((), stack))


def _short(value, limit=600):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}.. ({len(text)} characters)"


def _compare(expected, found):
    """Lines that show two stacks side by side from where they differ."""
    if found is None:
        return [f"{function} {file}:{line}" for function, file, line in expected[:12]]
    lines = []
    for index in range(max(len(expected), len(found))):
        wanted = expected[index] if index < len(expected) else None
        got = found[index] if index < len(found) else None
        if wanted != got:
            lines.append(f"frame {index}: expected {wanted}, found {got}")
            if len(lines) == 8:
                break
    return lines

"""What sampling must show: programs that run while sonde looks at them, the stacks that they can have, and shares of
time with their errors."""

import ast
import collections
import contextlib
import glob
import importlib.util
import itertools
import json
import math
import os
import re
import select
import signal
import statistics
import subprocess
import time

Frame = collections.namedtuple("Frame", "function file line")
Row = collections.namedtuple("Row", "samples pid tid thread stack")

HERE = os.path.dirname(os.path.abspath(__file__))
UNKNOWN = "<stack unknown>"
ANYWHERE = ("weakref.py", "_weakrefset.py")  # callbacks run wherever an object dies
NAMELESS = {ast.Lambda: "<lambda>", ast.ListComp: "<listcomp>", ast.SetComp: "<setcomp>", ast.DictComp: "<dictcomp>",
            ast.GeneratorExp: "<genexpr>"}
SIGMAS = 5
WINDOWS = 20
LEAST_EXPECTED = 25  # samples of a share that is compared; fewer are put together
START_SECONDS = 30
MOST_WAITED = 0.2  # what a target gets of the machine is not even then, and its samples not independent


def limit(python):
    """Impossible stacks and lost samples together, as a part of all, are fewer than this."""
    return 0.001 if python.minor >= (3, 14) else 0.005


def spell(stack, most=20):
    """Text, innermost frame first; of a recursion, and of what is very deep, not all of it."""
    words = []
    for frame, same in itertools.groupby(stack):
        times = len(list(same))
        words.append(f"{frame.function} ({os.path.basename(frame.file)}:{frame.line})" +
                     (f" {times} times" if times > 1 else ""))
    if len(words) > most:
        words[most // 2:-most // 2] = [f".. {len(words) - most} more .."]
    return " < ".join(words) or "<empty>"


class Samples:
    """A capture of time, read with sonde's own reading commands."""

    def __init__(self, sonde, path):
        self.sonde = sonde
        self.path = path
        self.waited = 0.0  # for a CPU, as a part of the time, while it was taken
        self._info = None

    def _json(self, *arguments):
        read = subprocess.run([self.sonde, *arguments, "--json", self.path], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120, check=False)
        if read.returncode:
            raise RuntimeError(f"sonde {' '.join(arguments)} ends with {read.returncode}: {read.stderr!r}")
        return json.loads(read.stdout)

    @property
    def info(self):
        """What `sonde info` says: how sampling went under "sampling"."""
        if self._info is None:
            self._info = self._json("info")
        return self._info

    @property
    def lost(self):
        """Samples that were taken, or had to be, and are not there. Rounds that came too late are none: every
        thread lacks the same ones."""
        return self.info["sampling"]["dropped"] + self.info["sampling"]["missed"]

    def rows(self, metric="wall", *options):
        table = self._json("table", f"--{metric}", "--split-threads", *options)
        return [Row(row["samples"], row["pid"], row["tid"], row.get("thread", ""),
                    tuple(Frame(frame["function"].rpartition(".")[2], frame.get("file", ""), frame.get("line", 0))
                          for frame in row["stack"])) for row in table["rows"]]

    def count(self, metric="wall", *options):
        return sum(row.samples for row in self.rows(metric, *options))

    def windows(self, metric="wall", *options):
        """The rows of equal parts of the time, one after the other."""
        end = self.info["metadata"]["duration_seconds"]
        edges = [end * i / WINDOWS for i in range(WINDOWS + 1)]
        return [self.rows(metric, *options, "--from", f"{first:.9f}s", "--to", f"{last:.9f}s")
                for first, last in zip(edges, edges[1:])]


class Watched:
    """A Python program that runs until the scenario has seen enough. It calls ready() of target/watched.py."""

    def __init__(self, lab, *arguments, script=None, command=None, environment=None):
        self.lab = lab
        self.process = lab.start(command or [lab.python.path, script or lab.script, *arguments], environment)
        try:
            words = self.line().split()
            if words[:1] != ["ready"]:
                raise lab.Failure(f"the target says {words}", self.errors())
        except BaseException:
            self.end()
            raise
        self.pid = int(words[1])
        self.words = words[2:]

    def line(self, seconds=START_SECONDS):
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise self.lab.Failure(f"the target says nothing for {seconds} s")
        return self.process.stdout.readline().decode(errors="replace")

    def errors(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.stderr.read().decode(errors="replace")[-2000:]

    def attach(self, rate, seconds, *options, verb="attach"):
        """Samples of the target, as somebody outside takes them."""
        path = self.lab.capture_path()
        begin, waited = time.monotonic(), self.waited()
        run = subprocess.run([self.lab.sonde, verb, str(self.pid), "-q", "-o", path, "-r", str(rate), "-d",
                              f"{seconds:g}s", *options], stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=self.lab.limit_seconds + seconds, check=False)
        if run.returncode == 3:
            raise self.lab.Skip(run.stderr.decode(errors="replace").splitlines()[0])
        if run.returncode:
            raise self.lab.Failure(f"sonde {verb} ends with {run.returncode}", run.stderr.decode(errors="replace"))
        samples = Samples(self.lab.sonde, path)
        samples.waited = (self.waited() - waited) / (time.monotonic() - begin)
        self.check()
        return samples

    def check(self):
        """The target is as it was: not stopped, not traced, not ended."""
        ended = self.process.poll()
        if ended is not None:
            raise self.lab.Failure(f"the target has ended with {ended}", self.errors())
        for task in [f"/proc/{self.pid}", *glob.glob(f"/proc/{self.pid}/task/*")]:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # a thread may have ended
                with open(f"{task}/status", encoding="utf-8", errors="replace") as file:
                    status = dict(line.split(":", 1) for line in file.read().splitlines())
                state, tracer = status["State"].split()[0], status["TracerPid"].strip()
                self.lab.true(state in "RSD" and tracer == "0", f"{task} is left in state {state}, traced by {tracer}")

    def waited(self):
        """Seconds for which the threads that there are were ready to run and had no CPU."""
        total = 0
        for task in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            with contextlib.suppress(OSError, IndexError), open(task, encoding="ascii") as file:
                total += int(file.read().split()[1])
        return total * 1e-9

    def end(self):
        """The target is killed, by whatever way it was started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Grammar:
    """The stacks that a program can have, as remarks in its source say it:

        a2()  #> a2            this line may call a2, and no other Python function
        task.run()  #> @queue  it may call functions of files with "queue" in their name
        def work():  #< @queue  and they may call this one

    At the outer end stands <module>, a function that is remarked `#< root`, or one of another file. The innermost frame
    may be on any line of its function. is_whole: also the begin and the end of the process are looked at, when there
    may be no frame, and none of the program."""

    def __init__(self, path, is_whole=False):
        self.file = path
        self.is_whole = is_whole
        with open(path, encoding="utf-8") as file:
            source = file.read()
        self.calls = collections.defaultdict(set)
        self.callers = collections.defaultdict(set)
        # There may be several functions of a name.
        self.lines = collections.defaultdict(list, {"<module>": [(0, source.count("\n") + 1)]})
        lines = source.splitlines()
        for number, line in enumerate(lines, 1):
            found = re.search(r"#> (.*)$", line)
            if found:
                self.calls[number].update(word.strip() for word in found[1].split(","))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                # Python 3.8 says where a body ends; decorators stand before the line of `def`.
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                self.lines[node.name].append((first, node.end_lineno))
                found = re.search(r"#< (.*)$", lines[node.lineno - 1])
                if found:
                    self.callers[node.name].update(word.strip() for word in found[1].split(","))
            elif type(node) in NAMELESS:
                self.lines[NAMELESS[type(node)]].append((node.lineno, node.end_lineno))

    @staticmethod
    def _is_in(words, file):
        return file.endswith(ANYWHERE) or any(word.startswith("@") and word[1:] in file for word in words)

    def _wrong_call(self, caller, callee, places):
        """Whether no line of these places may call that function."""
        if caller.file == self.file:
            called = {word for first, last in places for line in range(first, last + 1)
                      for word in self.calls.get(line, ())}
            if callee.file == self.file:
                return callee.function not in called
            return not self._is_in(called, callee.file)
        return callee.file == self.file and not self._is_in(self.callers[callee.function], caller.file)

    def wrong(self, stack):
        """Why the program can never have this stack (innermost first), or None."""
        if not any(frame.file == self.file for frame in stack):
            return None if self.is_whole else "a stack without a frame of the program"
        outer = stack[-1]
        if outer.file == self.file and outer.function != "<module>" and "root" not in self.callers[outer.function]:
            return f"{outer.function} called by nobody"
        for level, frame in enumerate(stack):
            # Some instructions have no line, before a function begins (3.11 and later).
            if frame.file == self.file and not (level == 0 and frame.line == 0):
                if not any(first <= frame.line <= last for first, last in self.lines.get(frame.function, ())):
                    return f"{frame.function} has no line {frame.line}"
        for callee, caller in zip(stack, stack[1:]):
            if self._wrong_call(caller, callee, [(caller.line, caller.line)]):
                places = self.lines.get(caller.function, ())
                other = "" if self._wrong_call(caller, callee, places) else ", which another line of it does"
                return f"{caller.function}:{caller.line} calls {callee.function}{other}"
        return None


class Verdict:
    """What is wrong in the rows of one recording."""

    def __init__(self, rows, wrong):
        self.total = sum(row.samples for row in rows)
        self.unknown = 0
        self.impossible = collections.Counter()
        for row in rows:
            if row.stack and row.stack[0].function == UNKNOWN:
                self.unknown += row.samples
                continue
            reason = wrong(row.stack)
            if reason:
                self.impossible[reason, row.stack] += row.samples

    def lines(self, most=4):
        for (reason, stack), count in self.impossible.most_common(most):
            yield f"{count} times: {reason}: {spell(stack)}"


def judge(lab, what, samples, wrong, rows=None):
    """All but a small part of the samples are stacks that can be. Returns the rows."""
    rows = samples.rows() if rows is None else rows
    verdict = Verdict(rows, wrong)
    sampling = samples.info["sampling"]
    impossible = sum(verdict.impossible.values())
    lines = sum(count for (reason, _), count in verdict.impossible.items() if "another line" in reason)
    bad = impossible + verdict.unknown + samples.lost
    said = (f"{what}: {verdict.total} samples, {impossible} impossible ({lines} by the line of a caller), "
            f"{verdict.unknown} unknown, {samples.lost} lost; "
            f"{sampling['retries']} retries, {sampling['pauses']} pauses in {sampling['rounds']} rounds of "
            f"{samples.info['metadata']['duration_seconds']:.3f} s, {sampling['rounds_missed']} missed")
    # Of a thousand samples one or two say nothing about a part in a thousand.
    fine = lab.true(verdict.total > 0 and bad <= max(2, limit(lab.python) * verdict.total), said, *verdict.lines())
    if fine and bad:
        for line in (said, *verdict.lines(2)):
            lab.note(line)
    return rows


def same_time(lab, what, samples, seen, seconds, longest=None):
    """So many samples, as a time, are what the program itself says it spent (up to `longest`, if that is not sharp).
    Rounds that were missed come in bundles: their time may belong to it, or may not."""
    sampling = samples.info["sampling"]
    found = seen * sampling["period_seconds"]
    error = SIGMAS * math.hypot(sampling["period_seconds"] * math.sqrt(max(seen, 1)), 0.01 * seconds)
    error += sampling["rounds_missed"] * sampling["period_asked_seconds"]
    lab.true(seconds - error <= found <= (longest or seconds) + error,
             f"{what}: seen for {found:.3f} s, the program says {seconds:.3f} s" +
             (f" to {longest:.3f} s" if longest else "") + f"; {SIGMAS} standard errors are {error:.3f} s")


def sums(rows, key):
    """{key(row): samples}."""
    counts = collections.Counter()
    for row in rows:
        counts[key(row)] += row.samples
    return dict(counts)


class Shares:
    """Parts of all samples by some key of a stack, with errors: the binomial one, or that which the spread between
    parts of the recording shows, where samples depend on each other."""

    def __init__(self, windows, key):
        self.windows = []
        for rows in windows:
            counts = collections.Counter()
            for row in rows:
                name = key(row)
                if name is not None:
                    counts[name] += row.samples
            if counts:
                self.windows.append(counts)
        self.counts = sum(self.windows, collections.Counter())
        self.total = sum(self.counts.values())

    def of(self, names):
        """(share, its standard error)."""
        count = sum(self.counts[name] for name in names)
        share = count / self.total
        error = math.sqrt(max(share * (1 - share), 1 / self.total) / self.total)
        parts = [(sum(window[name] for name in names), sum(window.values())) for window in self.windows]
        if len(parts) > 2:
            residuals = [part - share * whole for part, whole in parts]
            spread = math.sqrt(len(parts)) * statistics.stdev(residuals) / self.total
            error = max(error, spread)
        return share, error


def same_shares(lab, what, samples, reference, key):
    """Two recordings of the same program agree within the sampling error."""
    if max(samples.waited, reference.waited) > MOST_WAITED:
        lab.note(f"{what}: the machine is too busy to compare shares")
        return
    one, other = (Shares(recording.windows(), key) for recording in (samples, reference))
    if not lab.true(one.total > 0 and other.total > 0, f"{what}: nothing to compare"):
        return
    names = {*one.counts, *other.counts}
    smaller = min(one.total, other.total)
    rare = {name for name in names
            if (one.counts[name] + other.counts[name]) * smaller < LEAST_EXPECTED * (one.total + other.total)}
    groups = [[name] for name in sorted(names - rare, key=str)] + ([sorted(rare, key=str)] if rare else [])
    for group in groups:
        (share, error), (expected, expected_error) = one.of(group), other.of(group)
        both = math.hypot(error, expected_error)
        lab.true(abs(share - expected) <= SIGMAS * both,
                 f"{what}: {', '.join(map(str, group[:3]))}: {share:.4f} of {one.total} samples; paused "
                 f"{expected:.4f} of {other.total}: {(share - expected) / both:+.1f} standard errors")


def leaf(row):
    """The function that runs."""
    return row.stack[0].function if row.stack else None


def load(name):
    """A scenario of this family as a module, and its file."""
    path = os.path.join(HERE, "sampling", name + ".py")
    spec = importlib.util.spec_from_file_location("sampling_" + name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, path


def truth(lab, script=None, arguments=(), seconds=1.0, wrong=None, key=leaf):
    """One program, sampled at 1 kHz and at 10 kHz: every stack is one that it can have, and its time is shared out as a
    reading of stopped threads has it. wrong: beyond the grammar."""
    script = script or lab.script
    grammar = Grammar(script)

    def all_wrong(stack):
        return grammar.wrong(stack) or (wrong(stack) if wrong else None)

    what = " ".join([os.path.basename(script)[:-3], *arguments])
    with Watched(lab, *arguments, script=script) as target:
        reference = target.attach(2000, seconds / 2, "--pause-always")
        judge(lab, f"{what}, every thread stopped", reference, all_wrong)
        for rate in (1000, 10000):
            samples = target.attach(rate, seconds)
            judge(lab, f"{what} at {rate} Hz", samples, all_wrong)
            same_shares(lab, f"{what} at {rate} Hz", samples, reference, key)

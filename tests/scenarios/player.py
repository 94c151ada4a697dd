"""Plays the scenarios of a suite on the Pythons of this machine, and prints TAP. A suite is a folder of families, a
family a folder of scenarios, a scenario one file."""

import argparse
import concurrent.futures
import fnmatch
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import traceback

import lab as lab_module
import pythons

LIMIT_SECONDS = 60


class Scenario:
    """One file of a family."""

    def __init__(self, path, name):
        self.path = path
        self.name = name
        spec = importlib.util.spec_from_file_location("scenario_" + self.name.replace(os.sep, "_"), path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def get(self, name, default):
        return getattr(self.module, name, default)


def play_scenario(scenario, lab):
    """By default the file itself is the target, and check() looks at the capture."""
    if hasattr(scenario.module, "scenario"):
        scenario.module.scenario(lab)
    else:
        scenario.module.check(lab, lab.record_self(options=scenario.get("OPTIONS", [])))


class Suite:
    """A folder with scenarios, and how they are played.

    wants: whether a Python is one for this suite; all are when it is None. The scenarios of the suite itself are
    in the folders below `folder`, but for `target`."""

    def __init__(self, folder, description, play_one=play_scenario, wants=None):
        self.folder = folder
        self.description = description
        self.play = play_one
        self.wants = wants or (lambda python: True)

    def find(self, patterns):
        found = []
        for family in sorted(os.listdir(self.folder)):
            folder = os.path.join(self.folder, family)
            if family.startswith((".", "_")) or family == "target" or not os.path.isdir(folder):
                continue
            for file in sorted(os.listdir(folder)):
                name = f"{family}/{file[:-3]}"
                if file.endswith(".py") and not file.startswith("_") and (not patterns or any(
                        pattern in name or fnmatch.fnmatch(name, pattern) for pattern in patterns)):
                    found.append(Scenario(os.path.join(folder, file), name))
        return found


class Result:
    """What came of one scenario on one Python."""

    def __init__(self, name, problems=(), skip=None, notes=(), seconds=0.0):
        self.name = name
        self.problems = problems
        self.skip = skip
        self.notes = notes
        self.seconds = seconds


def play(scenario, python, suite, build, blocks):
    name = f"{scenario.name} [{python.label}]"
    reason = scenario.get("skip", lambda python: None)(python)
    if reason:
        return Result(name, skip=reason)
    lab = lab_module.Lab(scenario.name, scenario.path, python, build, blocks,
                         scenario.get("LIMIT_SECONDS", LIMIT_SECONDS))
    begin = time.monotonic()
    skip = None
    try:
        suite.play(scenario, lab)
    except lab_module.Skip as why:
        skip = str(why)
    except lab_module.Failure as failure:
        lab.problems.append([line for part in failure.args for line in str(part).splitlines()])
    except Exception:  # a scenario that breaks has failed, and the others go on
        lab.problems.append(traceback.format_exc().splitlines())
    finally:
        lab.close()
    return Result(name, lab.problems, None if lab.problems else skip, lab.notes, time.monotonic() - begin)


def build_blocks(folder):
    """The targets' helper library. Without a compiler there are no scenarios."""
    path = os.path.join(folder, "blocks.so")
    subprocess.run([os.environ.get("CC", "cc"), "-O0", "-g", "-fno-builtin", "-fPIC", "-shared", "-pthread",
                    "-D_GNU_SOURCE", "-Wno-alloc-size-larger-than", "-o", path, os.path.join(lab_module.TARGET, "blocks.c"),
                    "-ldl"], check=True)
    return path


def choose_one(found):
    """Where a scenario is played that does not depend on the Python: the newest one of this machine itself
    that is an ordinary release build."""
    here = [python for python in found if not python.suite and not python.debug and not python.free_threaded]
    return max(here or found, key=lambda python: python.version)


def plan(scenarios, found, full):
    """[(scenario, Python)], one Python after the other."""
    one = choose_one(found)
    return [(scenario, python) for python in found for scenario in scenarios
            if (full or not scenario.get("FULL", False)) and
            (python is one or not scenario.get("ONE_PYTHON", False))]


def say_pythons(found, unusable, missing):
    for python in found:
        print(f"# {python.label}: {python.path}")
    for line in unusable:
        print(f"# not usable: {line}")
    if missing:
        print(f"# not on this machine: {', '.join(missing)}")
    if not any(python.free_threaded for python in found):
        print("# none of them is without the GIL (make pythons-full builds some)")


def report(number, result, slow):
    if result.skip is not None:
        print(f"ok {number} - {result.name} # SKIP {result.skip}")
    elif result.problems:
        print(f"not ok {number} - {result.name}")
        for problem in result.problems:
            for index, line in enumerate(problem):
                print(f"#   {'  ' if index else ''}{line}")
    else:
        print(f"ok {number} - {result.name}" + (f" ({result.seconds:.1f} s)" if slow else ""))
    for note in result.notes:
        print(f"#   {note}")
    sys.stdout.flush()


def main(suite):
    parser = argparse.ArgumentParser(description=suite.description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(pythons.ROOT, "build"))
    parser.add_argument("--python", action="append", default=[], metavar="WHICH",
                        help="3.12, 3.12.1, or a part of a label as in sid; may be repeated")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="a part of a scenario's name, or a pattern; may be repeated")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("SONDE_TEST_JOBS", os.cpu_count())))
    parser.add_argument("--full", action="store_true", help="also what takes long")
    parser.add_argument("--list", action="store_true", help="print the scenarios and the Pythons, and end")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)

    scenarios = suite.find(arguments.only)
    everything, unusable = pythons.find()
    have = {python.minor for python in everything}
    missing = [f"{major}.{minor}" for major, minor in pythons.WANTED if (major, minor) not in have]
    found = [python for python in everything if suite.wants(python)]
    if arguments.python:
        found = [python for python in found
                 if any(which == ".".join(map(str, python.minor)) or which in python.label
                        for which in arguments.python)]
    if not found and not arguments.python:
        print("1..0 # SKIP no Python here is one for this suite")
        return 0
    if not found:
        parser.error("there is no such Python here")
    if not scenarios:
        parser.error("there is no such scenario")
    say_pythons(found, unusable, missing)
    if arguments.list:
        for scenario in scenarios:
            print(f"{scenario.name}: {(scenario.module.__doc__ or '').strip().splitlines()[0]}")
        return 0
    if not os.access(os.path.join(arguments.build, "sonde"), os.X_OK):
        parser.error(f"{arguments.build}/sonde is not there; make build")

    results = []
    with tempfile.TemporaryDirectory(prefix="sonde-scenarios-") as folder:
        os.chmod(folder, 0o755)
        blocks = build_blocks(folder)
        with concurrent.futures.ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
            waiting = [pool.submit(play, scenario, python, suite, arguments.build, blocks)
                       for scenario, python in plan(scenarios, found, arguments.full)]
            for future in concurrent.futures.as_completed(waiting):
                results.append(future.result())
                report(len(results), results[-1], results[-1].seconds > 5)
    if not arguments.python:
        for version in missing:
            results.append(Result(f"Python {version}", skip="not on this machine"))
            report(len(results), results[-1], False)
    print(f"1..{len(results)}")
    return 1 if any(result.problems for result in results) else 0


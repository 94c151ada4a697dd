"""CPython's own test suite under sonde: the same tests fail, and the same status, as without it."""

import re


def has_tests(lab):
    status, output, _ = lab.plain(["-c", "import os, test; print(len(os.listdir(os.path.dirname(test.__file__))))"])
    return status == 0 and int(output) > 100


def failed(output):
    """Names of tests that regrtest lists as failed."""
    names = set()
    for block in re.findall(rb"^\d+ tests? failed(?: \([^)]*\))?:\n((?:    .*\n)+)", output, re.MULTILINE):
        names.update(block.decode(errors="replace").split())
    return names


def existing(lab, modules):
    code = ("import importlib.util, sys\n"
            "print(*[name for name in sys.argv[1:] if importlib.util.find_spec('test.' + name)])")
    return lab.plain(["-c", code, *modules])[1].decode().split()


def compare(lab, modules, modes):
    if not has_tests(lab):
        raise lab.Skip("this Python comes without its tests")
    line = ["-m", "test", *existing(lab, modules)]
    more = {"PYTHONPATH": None, "PYTHONPYCACHEPREFIX": None, "SCENARIO_MARKS": None, "SCENARIO_BLOCKS": None}
    status, output, _ = lab.plain(line, environment=more)
    for options in modes:
        run = lab.record(line, options, environment=more, status=None)
        new = failed(run.output) - failed(output)
        shown = [text for text in (run.output + run.errors).decode(errors="replace").splitlines()
                 if text.startswith(("FAIL", "ERROR", "AssertionError", "sonde:")) or "Error" in text][:20]
        lab.equal(sorted(new), [], f"{options}: tests that fail under sonde alone: {shown}")
        lab.equal(run.status, status, f"{options}: exit status")
        stats = run.stats()
        lab.equal((stats["metadata"]["complete"], stats["metadata"]["events_lost"]), (True, 0), f"{options}: the capture")
        lab.true(stats["allocations"] > 10000, f"{options}: {stats['allocations']} allocations")

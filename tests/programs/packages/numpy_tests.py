"""NumPy's own tests of its core, under sonde."""

FULL = True
LIMIT_SECONDS = 3600
MODULES = ["numpy.linalg", "numpy.random", "numpy.lib"]


def skip(python):
    return None if python.minor in ((3, 11), (3, 12), (3, 13)) and not python.debug else "not for this version"


def scenario(lab):
    site = lab.site_packages(["numpy", "pytest", "hypothesis"])
    more = {"PYTHONPATH": site}
    for module in MODULES:
        line = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", "--pyargs", module]
        status, output, _ = lab.plain(line, environment=more)
        for options in ([], ["--trace-python-allocators"]):
            run = lab.record(line, options, environment=more, status=None)
            lab.equal((run.status, run.output.splitlines()[-1].split(b" in ")[0]),
                      (status, output.splitlines()[-1].split(b" in ")[0]), f"{module} {options}")
            lab.equal(run.stats()["metadata"]["events_lost"], 0, f"{module} {options}: events lost")

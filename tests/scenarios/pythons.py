"""The Pythons of this machine: pyenv's, the system's, and those of the cached root of Debian sid."""

import glob
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEBIAN_ROOT = os.path.join(ROOT, "tools", "debian-root")
WANTED = [(3, minor) for minor in range(8, 16)]

_ASK = ("import sys, sysconfig\n"
        "print(*sys.version_info[:3], int(hasattr(sys, 'gettotalrefcount')), "
        "int(bool(sysconfig.get_config_var('Py_GIL_DISABLED'))), sys.version_info[3])")


class Python:
    """An interpreter, and how to run a command where it is."""

    def __init__(self, path, suite=None):
        self.path = path
        self.suite = suite  # of the Debian root it lies in; None: this machine's own
        words = subprocess.run(self.command([path, "-S", "-c", _ASK]), capture_output=True, text=True, check=True,
                               timeout=60, stdin=subprocess.DEVNULL).stdout.split()
        self.version = tuple(int(word) for word in words[:3])
        self.debug = words[3] == "1"
        self.free_threaded = words[4] == "1"
        self.final = words[5] == "final"

    @property
    def minor(self):
        return self.version[:2]

    @property
    def label(self):
        place = self.suite or ("pyenv" if "pyenv" in self.path else "system")
        return (".".join(map(str, self.version)) + ("d" if self.debug else "") +
                ("t" if self.free_threaded else "") + "-" + place)

    def command(self, arguments, environment=None, binds=()):
        """The command line that runs `arguments` where this Python is. Variables are given here, not
        inherited: a root does not let those of Python's own pass."""
        setting = [f"{name}={value}" for name, value in (environment or {}).items()]
        if setting:
            arguments = ["env", *setting, *arguments]
        if not self.suite:
            return list(arguments)
        bound = [word for folder in binds for word in ("--bind", folder)]
        return [DEBIAN_ROOT, "exec", self.suite, *bound, "--", *arguments]


def _candidates():
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3.*")) +
                       glob.glob("/usr/bin/python3.*") + glob.glob("/usr/local/bin/python3.*")):
        if re.fullmatch(r"python3\.\d+(-dbg|d|t)?", os.path.basename(path)) and os.access(path, os.X_OK):
            yield path, None
    try:
        listing = subprocess.run([DEBIAN_ROOT, "pythons", "sid"], capture_output=True, text=True, check=False)
    except OSError:
        return
    if listing.returncode == 0:
        for path in listing.stdout.split():
            yield path, "sid"


def find():
    """([Python], [what was found and cannot be used, with the reason])."""
    found, unusable, seen = [], [], set()
    for path, suite in _candidates():
        match = re.search(r"3\.(\d+)", os.path.basename(path))
        if (3, int(match.group(1))) not in WANTED:
            continue
        place = (suite, os.path.realpath(path) if not suite else path)
        if place in seen:
            continue
        seen.add(place)
        try:
            found.append(Python(path, suite))
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            unusable.append(f"{path}{' of ' + suite if suite else ''}: {said[-1] if said else 'does not run'}")
    found.sort(key=lambda python: (python.version, python.debug, python.free_threaded, python.suite or ""))
    return found, unusable

"""Packages from PyPI that scenarios need, kept in ${XDG_CACHE_HOME:-~/.cache}/sonde between runs: one folder
for each Python and set of packages, filled with wheels by whatever pip the machine has."""

import fcntl
import functools
import glob
import os
import platform
import shutil
import subprocess
import sys

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sonde")
PLATFORMS = ["manylinux_2_28", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010"]


class Unavailable(Exception):
    """The packages cannot be had here."""


@functools.lru_cache(maxsize=None)
def _pip():
    """A Python of this machine that has pip, or None."""
    candidates = [sys.executable, "/usr/bin/python3", shutil.which("python3"),
                  *sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3")), reverse=True)]
    for candidate in filter(None, candidates):
        probe = subprocess.run([candidate, "-m", "pip", "--version"], capture_output=True, check=False)
        if probe.returncode == 0:
            return candidate
    return None


def _install(minor, abi, requirements, folder):
    pip = _pip()
    if not pip:
        raise Unavailable("no Python here has pip")
    line = [pip, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location",
            "--only-binary=:all:", "--implementation", "cp", "--python-version", ".".join(map(str, minor)),
            "--abi", abi, *(() if abi.endswith("t") else ("--abi", "abi3")), "--abi", "none", "--target", folder]
    for tag in PLATFORMS:
        line += ["--platform", f"{tag}_{platform.machine()}"]
    run = subprocess.run([*line, *requirements], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if run.returncode:
        said = [text for text in run.stderr.strip().splitlines() if text.startswith("ERROR")] or ["pip failed"]
        raise Unavailable(f"{' '.join(requirements)} for Python {minor[0]}.{minor[1]}: {said[-1]}")


def folder_of(minor, free_threaded, requirements):
    """Where the packages are for this Python (major, minor); installs them if they are not there."""
    letter = "t" if free_threaded else ""
    abi = "cp" + "".join(map(str, minor)) + letter
    name = "packages-" + ".".join(map(str, minor)) + letter + "-" + "-".join(r.replace("=", "") for r in requirements)
    folder = os.path.join(CACHE, name)
    os.makedirs(CACHE, exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return folder
        fresh = folder + ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            _install(minor, abi, requirements, fresh)
        except Unavailable:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        os.rename(fresh, folder)
    return folder

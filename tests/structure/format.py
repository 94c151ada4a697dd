"""C is formatted as .clang-format says. The binding version is that of Debian bookworm; another one may
disagree with it in details, so its complaints skip this check, with a reason, and do not fail it."""

import os
import re
import shutil
import subprocess

from source import Finding

BINDING = "14"


class Skip(Exception):
    """The check cannot tell here."""


def _formatter():
    """(command, major version) of the best clang-format there is."""
    for command in (f"clang-format-{BINDING}", "clang-format"):
        path = shutil.which(command)
        if path:
            version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
            return path, re.search(r"version (\d+)", version).group(1)
    raise Skip("clang-format is not installed")


def check(tree, config=None, any_version=False):
    command, major = _formatter()
    paths = tree.select(".c", ".h", under=["src/", "tests/", "bench/"])
    if not paths:
        return []
    style = os.path.abspath(config or os.path.join(tree.root, ".clang-format"))
    run = subprocess.run([command, f"--style=file:{style}", "--dry-run", *paths], cwd=tree.root,
                         capture_output=True, text=True, check=False)
    lines = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): code should be", run.stderr, re.MULTILINE):
        lines.setdefault(path, int(line))
    if run.returncode and not lines:
        return [Finding(".clang-format", 0, run.stderr.strip())]
    if lines and major != BINDING and not any_version:
        raise Skip(f"clang-format {major} would format {len(lines)} files otherwise; version {BINDING} decides")
    return [Finding(path, line, f"run: clang-format -i {path}") for path, line in lines.items()]


PROOFS = [
    ("two spaces for a tab", {"src/base/a.c": "int f(void)\n{\n  return 1;\n}\n"}, 1),
    ("well formatted", {"src/base/a.c": "int f(void)\n{\n\treturn 1;\n}\n"}, 0),
]

"""pip installs a package into a virtual environment: the same files as without sonde."""

import os

LIMIT_SECONDS = 240
PACKAGE = "six==1.17.0"


def skip(python):
    return None if python.minor in ((3, 9), (3, 12), (3, 13)) else "three versions are enough"


def scenario(lab):
    trees = []
    for name in ("plain", "recorded", "allocators"):
        folder = lab.path(name)
        status, _, errors = lab.plain(["-m", "venv", folder], environment={"PYTHONPATH": None})
        if status:
            raise lab.Skip("no virtual environment: " + errors.decode(errors="replace").strip()[-200:])
        line = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
        python = os.path.join(folder, "bin", "python")
        if name == "plain":
            status, _, errors = lab.execute([python, *line], {"PYTHONPATH": None})
            if status:
                raise lab.Skip("no package index: " + errors.decode(errors="replace").strip()[-200:])
        else:
            options = ["--trace-python-allocators"] if name == "allocators" else []
            capture = lab.capture_path()
            status, output, errors = lab.execute(
                [lab.sonde, "run", "-q", "-o", capture, *options, "--python", python, *line], {"PYTHONPATH": None})
            lab.equal((status, output, errors), (0, b"", b""), f"{name}: pip")
            stats = lab.read_capture(capture).stats()
            lab.equal((stats["metadata"]["complete"], stats["metadata"]["events_lost"]), (True, 0), f"{name}: capture")
        trees.append(sorted(os.path.relpath(os.path.join(where, file), folder) for where, _, files in os.walk(folder)
                            for file in files if "__pycache__" not in where))
    lab.true(any(path.endswith("six.py") for path in trees[0]), "the package is there")
    lab.true(trees[0] == trees[1] == trees[2], "the same files")

"""Modules of the standard library that are programs: what they print and leave is the same to the byte."""

import os
import re

LIMIT_SECONDS = 120


def scenario(lab):
    data = lab.write("data.json", "[" + ",".join('{"a": %d, "b": [1, 2.5, "x%d"]}' % (n, n) for n in range(3000)) + "]")
    lab.write("test_sample.py", "import unittest\nclass T(unittest.TestCase):\n"
              "    def test_one(self): self.assertEqual(len(bytes(10000)), 10000)\n"
              "    def test_two(self): self.fail('meant')\n")
    os.makedirs(lab.path("source"))
    for number in range(60):
        lab.write(f"source/module_{number}.py", "".join(
            f"def function_{n}(a, b={n}):\n    return [a + x for x in range(b)] or {{'k': b}}\n" for n in range(40)))
    lines = {
        "json.tool": ["-m", "json.tool", data],
        "tokenize": ["-m", "tokenize", lab.path("source/module_3.py")],
        "ast": ["-m", "ast", lab.path("source/module_3.py")],
        "dis": ["-m", "dis", lab.path("source/module_3.py")],
        "unittest": ["-m", "unittest", "test_sample"],
        "pyclbr": ["-m", "pyclbr", "source/module_1.py"],
        "calendar": ["-m", "calendar", "2024"],
        "base64": ["-m", "base64", "-e", data],
        "pickletools": ["-c", "import pickle, pickletools; pickletools.dis(pickle.dumps(list(range(300))))"],
        "help": ["-c", "import pydoc, string; print(pydoc.render_doc(string, renderer=pydoc.plaintext))"],
    }
    for name, line in lines.items():
        status, output, errors = lab.plain(line, environment={"PYTHONPATH": None})
        for options in ([], ["--trace-python-allocators"]):
            run = lab.record(line, options, environment={"PYTHONPATH": None}, status=None)
            lab.equal(run.status, status, f"{name} {options}: status")
            lab.same_lines(comparable(run.output), comparable(output), f"{name} {options}: output")
            lab.same_lines(comparable(run.errors), comparable(errors), f"{name} {options}: errors")
            lab.true(run.stats()["allocations"] > 10, f"{name} {options}: allocations")
    compiled(lab)


def comparable(text):
    """Without durations and addresses."""
    return re.sub(rb"\d+\.\d+s| at 0x[0-9a-f]+", b"", text)


def compiled(lab):
    """compileall leaves the same files."""
    results = []
    for runner in (lab.plain, lambda line, **more: lab.record(line, **more)):
        runner(["-m", "compileall", "-q", "-f", "source"], environment={"PYTHONPATH": None, "PYTHONPYCACHEPREFIX": None})
        folder = lab.path("source/__pycache__")
        files = {}
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                files[name] = file.read()
            os.unlink(os.path.join(folder, name))
        results.append(files)
    lab.equal(len(results[0]), 60, "compileall: files")
    lab.true(results[0] == results[1], "compileall: other bytes under sonde")

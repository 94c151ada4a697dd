"""What is no Python that sonde knows is told apart: none, one that is too old, a 32-bit program, no process."""

import json
import glob
import os
import subprocess

ONE_PYTHON = True
OLD = "import os, sys, time; sys.stdout.write('here\\n'); sys.stdout.flush(); sys.stdin.read()"


def look(lab, pid):
    done = subprocess.run([lab.sonde, "doctor", str(pid), "--json"], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout and json.loads(done.stdout)["process"], done.stderr.decode()


def scenario(lab):
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    status, found, _ = look(lab, process.pid)
    lab.equal((status, found["python"]), (0, None), "no Python")
    lab.equal(found["no_python"], f"there is no Python in process {process.pid}", "no Python")
    process.stdin.close()
    process.wait()
    status, _, errors = look(lab, process.pid)
    lab.equal(status, 127, "no process")
    lab.true(f"there is no process {process.pid}" in errors, f"no process: {errors}")

    old = [path for version in ("2.7", "3.6", "3.7") for path in
           glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}"))]
    for path in old:
        version = os.path.basename(os.path.dirname(os.path.dirname(path)))
        process = subprocess.Popen([path, "-c", OLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
        status, found, _ = look(lab, process.pid)
        lab.equal((status, found["python"]), (0, None), path)
        lab.equal(found["no_python"],
                  f"process {process.pid}: its Python {version} is older than this sonde understands", path)
        process.stdin.close()
        process.wait()
    if not old:
        lab.note("no old Python here")

    source = lab.write("small.c", "int main(void) { for (;;) __asm__ volatile(\"\"); }")
    small = lab.path("small")
    if lab.compile(source, small, "-m32", "-nostdlib", "-static", "-Wl,-emain"):
        process = subprocess.Popen([small])
        status, _, errors = look(lab, process.pid)
        process.kill()
        process.wait()
        lab.equal(status, 4, "a 32-bit program")
        lab.true("32-bit" in errors, f"a 32-bit program: {errors}")
    else:
        lab.note("no compiler for 32-bit programs")

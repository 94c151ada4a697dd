"""A program that loads a Python of its own, by whatever name: found while it has an interpreter, and only then."""

import json
import os
import shutil
import subprocess

SOURCE = r"""
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	void *python = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	void (*begin)(void), (*end)(void);
	int (*run)(const char *);
	if (!python || argc < 2)
		return 10;
	*(void **)&begin = dlsym(python, "Py_Initialize");
	*(void **)&run = dlsym(python, "PyRun_SimpleString");
	*(void **)&end = dlsym(python, "Py_Finalize");
	for (int round = 0; round < 2; round++) {
		puts("before"), fflush(stdout), getchar();
		begin();
		run("kept = 1");
		puts("inside"), fflush(stdout), getchar();
		end();
	}
	puts("after"), fflush(stdout), getchar();
	return 3;
}
"""
ASK = "import sysconfig; print(*map(sysconfig.get_config_var, ('LIBDIR', 'INSTSONAME')), sep='/')"


def skip(python):
    return "a program of this machine does not run in a root" if python.suite else None


def look(lab, pid):
    done = subprocess.run([lab.sonde, "doctor", str(pid), "--json"], capture_output=True, timeout=60, check=False)
    lab.equal((done.returncode, done.stderr), (0, b""), "sonde doctor")
    return json.loads(done.stdout)["process"]


def check(lab, library, what):
    program = lab.path("program")
    process = lab.start([program, library], {"LD_LIBRARY_PATH": os.path.dirname(library), "PYTHONPATH": None},
                        stdin=subprocess.PIPE)
    for expected in ("before", "inside", "before", "inside", "after"):
        lab.equal(process.stdout.readline().decode().strip(), expected, f"{what}: the program")
        found = look(lab, process.pid)
        if expected == "inside":
            python = found["python"] or {}
            version = ".".join(map(str, lab.python.version))
            lab.true(python.get("version", "").startswith(version), f"{what}: {found}")
            lab.equal(python.get("file"), os.path.realpath(library), f"{what}: where it is")
        else:
            lab.equal(found["python"], None, f"{what}: {expected}")
            lab.true("no interpreter yet" in found["no_python"], f"{what}, {expected}: {found}")
        process.stdin.write(b"\n")
    lab.equal(lab.finish(process)[0], 3, f"{what}: the program's end")


def scenario(lab):
    _, output, _ = lab.plain(["-c", ASK])
    library = output.decode().strip()
    if ".so" not in library or not os.path.exists(library):
        raise lab.Skip("this Python is no library")
    if not lab.compile(lab.write("program.c", SOURCE), lab.path("program"), "-ldl"):
        raise lab.Skip("no compiler")
    plugin = shutil.copy(library, lab.path("plugin.so"))
    check(lab, library, "by its name")
    check(lab, plugin, "by another name")

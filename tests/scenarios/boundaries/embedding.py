"""A program that loads a Python later, by whatever name: its stacks are there from then on. Unloading it, loading it again
and loading it in a forked child harm nobody."""

import os

SOURCE = r"""
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *volatile block;
static int use(const char *library, const char *how)
{
	void *python = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void (*begin)(void), (*end)(void);
	int (*run)(const char *);
	if (!python)
		return 10;
	if (dlerror())
		return 11;
	*(void **)&begin = dlsym(python, "Py_Initialize");
	*(void **)&run = dlsym(python, "PyRun_SimpleString");
	*(void **)&end = dlsym(python, "Py_Finalize");
	for (int i = 0; i < 1 + !!strstr(how, "twice"); i++) {
		begin();
		run("def inside():\n    return bytes(1000003)\nkept = inside()\n");
		end();
	}
	if (strstr(how, "unload")) {
		dlclose(python);
		for (int i = 0; i < 100; i++) {
			block = memalign(64, 300007);
			free(block);
		}
	}
	return 0;
}
int main(int argc, char **argv)
{
	pid_t child = argc > 2 && strstr(argv[2], "fork") ? fork() : 0;
	int status;
	if (!child)
		return use(argv[1], argv[2]) || (strstr(argv[2], "again") && use(argv[1], argv[2])) ? 1 : 3;
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 2;
	return WEXITSTATUS(status);
}
"""
ASK = "import sysconfig; print(*map(sysconfig.get_config_var, ('LIBDIR', 'INSTSONAME')), sep='/')"
WAYS = {"plain": 1, "unload": 1, "unload again": 2, "twice": 2, "twice unload": 2, "fork": 0}


def skip(python):
    return "a program of this machine does not run in a root" if python.suite else None


def scenario(lab):
    _, output, _ = lab.plain(["-c", ASK])
    library = output.decode().strip()
    if ".so" not in library or not os.path.exists(library):
        raise lab.Skip("this Python is no library")
    program = lab.path("program")
    if not lab.compile(lab.write("program.c", SOURCE), program, "-ldl"):
        raise lab.Skip("no compiler")
    link = lab.path("plugin.so")
    os.symlink(library, link)
    environment = {"LD_LIBRARY_PATH": os.path.dirname(library), "PYTHONPATH": None}
    for name in (library, os.path.basename(library), link):
        for way, count in WAYS.items():
            what = f"{name}, {way}"
            lab.equal(lab.execute([program, name, way], environment)[0], 3, f"{what}: without sonde")
            run = lab.record([program, name, way], command=True, status=3, environment=environment)
            lab.equal(run.errors, b"", f"{what}: errors")
            rows = [row for row in run.rows("total") if row.stack and row.stack[0].function == "inside"
                    and row.bytes > 1000000 * row.count]
            lab.equal((sum(row.count for row in rows), {row.stack[1].function for row in rows}),
                      (count, {"<module>"} if count else set()), f"{what}: the blocks")
            after = [row for row in run.rows("total") if row.allocator == "memalign"]
            times = 0 if "unload" not in way else count if "again" in way else 1
            lab.equal([(row.bytes, row.count) for row in after], [(30000700 * times, 100 * times)] if times else [],
                      f"{what}: after it was unloaded")

"""Behind -- stands any command: shells, env, chains of exec, several Pythons, and no Python at all; each process
that loads the agent is recorded over its whole life."""

PROGRAM = """
import os, sys
kept = bytes({size})
os.write(1, b"ran\\n")
"""
OTHER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	void *found = dlsym(RTLD_NEXT, "malloc");
	void *(*next_malloc)(size_t);
	char *kept = malloc(3000017), *freed = malloc(5000011), *by_next;
	memcpy(&next_malloc, &found, sizeof(found));
	by_next = next_malloc(4000037);
	if (argc != 1 || !kept || !freed || !by_next || strcmp(strrchr(argv[0], '/'), "/other"))
		return 1;
	memset(kept, 1, 10);
	free(freed);
	free(by_next);
	return write(1, "other ran\n", 10) == 10 ? 3 : 2;
}
"""


def sizes(run, size):
    return [row for row in run.rows("total") if size <= row.bytes < size + 128]


def scenario(lab):
    first = lab.write("first.py", PROGRAM.format(size=1000003))
    second = lab.write("second.py", PROGRAM.format(size=2000003))
    python = lab.python.path
    chains = {
        "python": [python, first],
        "sh -c": ["sh", "-c", f"{python} {first}"],
        "sh -c exec": ["sh", "-c", f"exec {python} {first}"],
        "sh that goes on": ["sh", "-c", f"{python} {first}; true"],
        "env": ["env", "A=1", python, first],
        "chain": ["env", "sh", "-c", f"exec env B=2 sh -c 'exec {python} {first}'"],
        "python that execs": [python, "-c", f"import os; os.execv({python!r}, [{python!r}, {first!r}])"],
    }
    for name, line in chains.items():
        run = lab.record(line, command=True)
        lab.equal((run.output, run.errors), (b"ran\n", b""), f"{name}: the program")
        rows = sizes(run, 1000003)
        lab.equal([(row.count, row.stack[0].function) for row in rows], [(1, "<module>")], f"{name}: the block")
        lab.true(any(frame.file.startswith("<frozen importlib") for row in run.rows("total") for frame in row.stack),
                 f"{name}: start-up is not there")

    run = lab.record(["sh", "-c", f"{python} {first}; {python} {second}; {python} {first}"], command=True)
    lab.equal(run.output, b"ran\n" * 3, "three Pythons: output")
    lab.equal((sum(row.count for row in sizes(run, 1000003)), len(sizes(run, 2000003))), (2, 1), "three Pythons: blocks")
    processes = run.stats()["metadata"]["processes"]
    pythons = [process for process in processes if process["python_version"]]
    lab.equal(len({process["pid"] for process in pythons}), 3, "three Pythons: processes")
    lab.equal({process["python_version"] for process in pythons}, {".".join(map(str, lab.python.version))},
              "three Pythons: version")
    lab.equal([row.stack[-1].file for row in sizes(run, 2000003)], [second], "three Pythons: the second's file")

    source = lab.write("other.c", OTHER)
    program = lab.path("other")
    if lab.compile(source, program):
        run = lab.record([program], command=True, status=3)
        lab.equal(run.output, b"other ran\n", "no Python: output")
        lab.equal([(row.allocator, row.bytes, row.count, row.stack) for row in run.rows("total") if row.bytes > 1 << 20],
                  [("malloc", 12000065, 3, ())], "no Python: what it allocated, once by dlsym(RTLD_NEXT)")
        lab.equal([(row.allocator, row.bytes, row.count) for row in run.rows("leaks") if row.bytes > 1 << 20],
                  [("malloc", 3000017, 1)], "no Python: what it kept")

    # However fast a process runs program after program, none is missed, and sonde does not say so.
    for _ in range(10):
        run = lab.record(["sh", "-c", "exec env sh -c 'exec env true'"], command=True)
        lab.equal(run.errors, b"", "a chain of exec: errors")
        lab.equal(len(run.stats()["metadata"]["processes"]), 5, "a chain of exec: images")

    for line, status in ((["/bin/true"], 0), (["/bin/false"], 1), (["sh", "-c", "exit 42"], 42)):
        lab.record(line, command=True, status=status)
    for line, status in ((["/nowhere/program"], 127), (["no-such-program-anywhere"], 127), (["/etc/passwd"], 126)):
        run = lab.record(line, command=True, status=status)
        lab.true(run.errors.startswith(b"sonde: cannot run ") and run.errors.count(b"\n") == 1, f"{line}: {run.errors!r}")
        lab.true(not lab.exists(run.path), f"{line}: a capture was left behind")

"""A program with a malloc of its own keeps it, also for what the C library allocates in its name; sonde says that it sees
nothing of it."""

ONE_PYTHON = True
SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static char room[1 << 20] __attribute__((aligned(16)));
static size_t used;
static int is_own(void *block)
{
	return (char *)block >= room && (char *)block < room + sizeof(room);
}
void *malloc(size_t bytes)
{
	size_t *block = (size_t *)(room + used);
	bytes = (bytes + 15) & ~(size_t)15;
	if (used + bytes + 16 > sizeof(room)) {
		errno = ENOMEM;
		return NULL;
	}
	used += bytes + 16;
	*block = bytes;
	return block + 2;
}
void free(void *block)
{
	if (block && !is_own(block))
		abort();
}
void *calloc(size_t count, size_t size)
{
	void *block = malloc(count * size);
	return block ? memset(block, 0, count * size) : NULL;
}
void *realloc(void *old, size_t bytes)
{
	void *block;
	if (old && !is_own(old))
		abort();
	block = malloc(bytes);
	return old && block ? memcpy(block, old, bytes < ((size_t *)old)[-2] ? bytes : ((size_t *)old)[-2]) : block;
}
int main(void)
{
	char *text = strdup("own");
	if (!is_own(text))
		return 1;
	text = reallocarray(text, 100, 10);
	if (!is_own(text))
		return 2;
	if (mmap(NULL, 3000017, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return 4;
	puts(text);
	free(text);
	return 3;
}
"""

# What a program that is not position independent calls malloc is an address of its own, which leads to the hook.
FIXED = r"""
#include <stdlib.h>
int main(void)
{
	void *(*volatile take)(size_t) = malloc;
	return take(3000017) ? 3 : 4;
}
"""


def scenario(lab):
    program = lab.path("program")
    if not lab.compile(lab.write("program.c", SOURCE), program, "-rdynamic"):
        raise lab.Skip("no compiler")
    run = lab.record([program], command=True, status=3)
    lab.equal(run.output, b"own\n", "output")
    lab.true(b"a malloc of its own" in run.errors and run.errors.count(b"\n") == 1, f"errors: {run.errors!r}")
    lab.equal([(row.allocator, row.bytes) for row in run.rows("total")], [("mmap", 3000017)], "what was recorded")
    if lab.compile(lab.write("fixed.c", FIXED), program, "-no-pie", "-fno-pic"):
        run = lab.record([program], command=True, status=3)
        lab.equal(run.errors, b"", "a fixed address: errors")
        lab.equal([(row.allocator, row.bytes) for row in run.rows("total")], [("malloc", 3000017)], "a fixed address")

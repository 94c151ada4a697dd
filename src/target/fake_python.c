#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pyabi/layout.h"

/*
 * A program with what looks like the structures of a Python 3.9 from outside, for tests: what is
 * exported, and how, is a matter of how it is built.
 *
 *   fake_python (ready | early | none)
 */
char _PyRuntime[4096] __attribute__((aligned(32)));
#ifdef FAKE_VERSION_SYMBOL
const uint32_t Py_Version = 0x030912f0;
#endif
#ifdef FAKE_TRACE_REFS
void _Py_PrintReferences(void);
void _Py_PrintReferences(void) {}
#endif
#ifdef FAKE_DEBUG
void _Py_NegativeRefcount(void);
void _Py_NegativeRefcount(void) {}
#endif

static char version[250];
static char interpreter[65536] __attribute__((aligned(32)));
static char thread[4096] __attribute__((aligned(32)));

static void put(char *structure, uint32_t offset, const char *pointer)
{
	memcpy(structure + offset, &pointer, sizeof(pointer));
}

int main(int count, char **arguments)
{
	struct pyabi_layout layout;
	char byte;

	if (count != 2 || pyabi_layout_init(0x030912f0, false, NULL, 0, &layout) < 0)
		return 1;
	if (strcmp(arguments[1], "none") != 0)
		snprintf(version, sizeof(version), "%s (main, Jan  1 2024) [C]", "3.9.18");
	if (strcmp(arguments[1], "ready") == 0) {
		put(interpreter, layout.interp_tstate_head, thread);
		put(thread, layout.tstate_interp, interpreter);
		put(_PyRuntime, layout.runtime_interpreters_main, interpreter);
		put(_PyRuntime, layout.runtime_interpreters_head, interpreter);
	}
	printf("%#lx\n", (unsigned long)_PyRuntime);
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What CPython's instructions can have running while the frame that executes them stands behind
 * another one: 3.11 and later. An instruction is two bytes, the opcode first, and units without
 * opcode (caches) may follow it.
 */
enum pyabi_opcode_flag {
	PYABI_OPCODE_CALLS = 1u << 0,    /* by way of C it may run anything */
	PYABI_OPCODE_PUSHES = 1u << 1,   /* it may push a frame onto its own */
	PYABI_OPCODE_CAN_PUSH = 1u << 2, /* not as it stands, but specialized otherwise */
	PYABI_OPCODE_GENERIC = 1u << 3,  /* specialized, it may not push any more */
	/* The same of a frame that is there already: that of a generator. */
	PYABI_OPCODE_RESUMES = 1u << 4,
	PYABI_OPCODE_CAN_RESUME = 1u << 5,
};

#define PYABI_OPCODE_ANY_UNITS 0xffu /* it stands for another one */

struct pyabi_opcode {
	uint8_t flags; /* enum pyabi_opcode_flag; 0 as well where there is no such opcode */
	uint8_t units; /* from it to where its frame stands while what it pushed runs */
};

struct pyabi_opcodes {
	uint32_t minor;
	struct pyabi_opcode opcodes[256];
};

/* Those of a version, NULL where they are not known. */
const struct pyabi_opcodes *pyabi_opcodes_of(uint32_t version_hex);

/* How the frame before it came to stand before it. */
enum pyabi_called {
	PYABI_CALLED_BY_C,
	PYABI_CALLED_PUSHED,
	PYABI_CALLED_RESUMED, /* pushed, and a generator's */
};

enum pyabi_calling {
	PYABI_CALLING_NOT,
	PYABI_CALLING_SPECIALIZED, /* not any more, or not yet */
	PYABI_CALLING_GENERIC,     /* if it has not specialized since */
	PYABI_CALLING,
};

/* Whether a frame that stands at `unit` of this bytecode may be in the middle of such a call. The
 * bytecode may be of a little before: instructions specialize. */
enum pyabi_calling pyabi_calling(const struct pyabi_opcodes *opcodes, const uint8_t *bytecode,
				 size_t unit, enum pyabi_called called);

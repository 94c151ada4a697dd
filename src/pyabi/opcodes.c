#include "pyabi/opcodes.h"

#include "pyabi/tables.h"

#define UNITS_MOST 9u /* behind an opcode that pushes */

const struct pyabi_opcodes *pyabi_opcodes_of(uint32_t version_hex)
{
	for (size_t i = 0; i < pyabi_opcodes_tables_count; i++) {
		if (version_hex >> 16 == (0x300 | pyabi_opcodes_tables[i].minor))
			return &pyabi_opcodes_tables[i];
	}
	return NULL;
}

static enum pyabi_calling pushing(struct pyabi_opcode opcode, enum pyabi_called called)
{
	bool resumes = called == PYABI_CALLED_RESUMED;

	if (opcode.flags & (resumes ? PYABI_OPCODE_CAN_RESUME : PYABI_OPCODE_CAN_PUSH))
		return PYABI_CALLING_SPECIALIZED;
	if (!(opcode.flags & (resumes ? PYABI_OPCODE_RESUMES : PYABI_OPCODE_PUSHES)))
		return PYABI_CALLING_NOT;
	/* Where it is behind its caches, it has pushed. */
	return opcode.flags & PYABI_OPCODE_GENERIC && !opcode.units ? PYABI_CALLING_GENERIC
								    : PYABI_CALLING;
}

enum pyabi_calling pyabi_calling(const struct pyabi_opcodes *opcodes, const uint8_t *bytecode,
				 size_t unit, enum pyabi_called called)
{
	enum pyabi_calling best = PYABI_CALLING_NOT;

	if (called == PYABI_CALLED_BY_C)
		return opcodes->opcodes[bytecode[2 * unit]].flags & PYABI_OPCODE_CALLS
			       ? PYABI_CALLING
			       : PYABI_CALLING_NOT;
	for (size_t units = 0; units <= UNITS_MOST && units <= unit; units++) {
		struct pyabi_opcode opcode = opcodes->opcodes[bytecode[2 * (unit - units)]];
		bool fits = opcode.units == units || opcode.units == PYABI_OPCODE_ANY_UNITS;
		enum pyabi_calling calling = fits ? pushing(opcode, called) : PYABI_CALLING_NOT;

		if (calling > best)
			best = calling;
	}
	return best;
}

/*
 * Line tables of any bytes: no read beyond them, an end, and a line that is one.
 *
 * Input: a byte that chooses the kind of table, the instruction and the first line as 32 bits each,
 * and the table.
 */
#include <stdlib.h>
#include <string.h>

#include "pyabi/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pyabi_layout layout = {.code_bytecode = 192};
	uint32_t instr;
	int32_t first_line;
	uint8_t *table;
	uint32_t line;

	if (size < 9)
		return 0;
	layout.linetable = data[0] % 4; /* 3 is none */
	memcpy(&instr, data + 1, sizeof(instr));
	memcpy(&first_line, data + 5, sizeof(first_line));
	if (data[0] & 128)
		instr %= 4096; /* where tables of this size say something */
	size -= 9;
	table = malloc(size);
	if (table == NULL && size > 0)
		abort();
	if (size > 0)
		memcpy(table, data + 9, size);
	line = pyabi_line(&layout, instr, first_line, table, size);
	if (line > INT32_MAX || (size == 0 && line != (uint32_t)(first_line > 0 ? first_line : 0)))
		abort();
	free(table);
	return 0;
}

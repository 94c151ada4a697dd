#include "pyabi/layout.h"

/*
 * The three ways in which CPython has written down the lines of a code object. Each decoder says
 * what PyCode_Addr2Line says for a well-formed table; on any other bytes it stays inside the table
 * and terminates, because each step consumes at least one byte. Lines are added up in unsigned
 * arithmetic, where CPython uses int: the same bits, and no overflow that is undefined.
 */

/* A line as it is handed out: a table that counts below 1 is not well-formed, and 0 means none. */
static uint32_t line_or_none(uint32_t line)
{
	return (int32_t)line > 0 ? line : 0;
}

/*
 * 3.8, 3.9: pairs of unsigned bytes of bytecode and signed lines, each saying how far both move
 * (Objects/lnotab_notes.txt; PyCode_Addr2Line in Objects/codeobject.c, 3.9). The last pair's line
 * goes on to the end of the code.
 */
static uint32_t line_of_lnotab(int64_t address, uint32_t line, const uint8_t *table, size_t bytes)
{
	int64_t reached = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2) {
		reached += table[i];
		if (reached > address)
			break;
		line += (uint32_t)(int8_t)table[i + 1];
	}
	return line_or_none(line);
}

/*
 * 3.10: pairs of unsigned bytes of bytecode that the entry covers and signed lines from the entry
 * before; -128 lines: the range has no line, and does not count
 * (Objects/lnotab_notes.txt; advance in Objects/codeobject.c, 3.10).
 */
static uint32_t line_of_linetable(int64_t address, uint32_t first_line, const uint8_t *table,
				  size_t bytes)
{
	uint32_t line = first_line;
	int64_t end = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2) {
		int8_t lines = (int8_t)table[i + 1];

		end += table[i];
		if (lines != -128)
			line += (uint32_t)lines;
		if (address < end)
			return lines == -128 ? 0 : line_or_none(line);
	}
	return line_or_none(first_line);
}

/* A signed number in groups of six bits, lowest first, bit 6 set when another follows, the sign in
 * the lowest bit (scan_signed_varint in Objects/codeobject.c). Bits beyond 32 are dropped. */
static uint32_t signed_varint(const uint8_t *table, size_t bytes)
{
	uint32_t value = 0;
	uint32_t magnitude;

	for (size_t i = 0; i < bytes; i++) {
		if (i * 6 < 32)
			value |= (uint32_t)(table[i] & 63) << (i * 6);
		if (!(table[i] & 64))
			break;
	}
	magnitude = value >> 1;
	return value & 1 ? -magnitude : magnitude;
}

/*
 * 3.11 and later: entries that begin with a byte whose top bit is set: a kind in bits 3 to 6 and
 * the covered code units less one in bits 0 to 2; what follows up to the next such byte depends on
 * the kind (Objects/locations.md, 3.11 and 3.12; InternalDocs/code_objects.md, 3.13 and later;
 * advance and get_line_delta in Objects/codeobject.c).
 */
enum location_kind {
	LOCATION_ONE_LINE_1 = 11,
	LOCATION_ONE_LINE_2 = 12,
	LOCATION_NO_COLUMNS = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

static uint32_t location_lines(unsigned kind, const uint8_t *rest, size_t bytes)
{
	switch (kind) {
	case LOCATION_ONE_LINE_1:
		return 1;
	case LOCATION_ONE_LINE_2:
		return 2;
	case LOCATION_NO_COLUMNS:
	case LOCATION_LONG:
		return signed_varint(rest, bytes);
	default:
		return 0;
	}
}

static uint32_t line_of_locations(int64_t address, uint32_t first_line, const uint8_t *table,
				  size_t bytes)
{
	uint32_t line = first_line;
	int64_t end = 0;

	for (size_t i = 0; i < bytes;) {
		unsigned kind = table[i] >> 3 & 15;

		end += ((table[i] & 7) + 1) * 2;
		i++;
		line += location_lines(kind, table + i, bytes - i);
		if (address < end)
			return kind == LOCATION_NONE ? 0 : line_or_none(line);
		while (i < bytes && !(table[i] & 128))
			i++;
	}
	return line_or_none(first_line);
}

uint32_t pyabi_line(const struct pyabi_layout *layout, uint32_t instr, int32_t first_line,
		    const uint8_t *table, size_t table_bytes)
{
	uint32_t first = (uint32_t)first_line;
	int64_t index = (int32_t)instr; /* f_lasti */

	switch (layout->linetable) {
	case PYABI_LNOTAB:
		return line_of_lnotab(index, first, table, table_bytes);
	case PYABI_LINETABLE:
		if (index < 0)
			break;
		return line_of_linetable(index * 2, first, table, table_bytes);
	case PYABI_LOCATIONS:
		if (instr < layout->code_bytecode)
			break;
		return line_of_locations((int64_t)instr - layout->code_bytecode, first, table,
					 table_bytes);
	}
	return line_or_none(first);
}

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where an ELF file says things are: its sections and both of its symbol tables, also those that
 * are not in memory. Files may be cut, damaged or made to harm.
 */
struct elf_wanted {
	const char *section, *symbol; /* one of them; the other NULL */
	bool found;
	uint64_t address; /* as the file counts */
};

/* A loaded segment, to find the bias from. */
struct elf_segment {
	uint64_t offset, address;
};

/* False where it is no 64-bit ELF file. */
bool elf_file_find(int fd, struct elf_wanted *wanted, size_t count, struct elf_segment *segment);

/* The same of bytes, which are changed; for the fuzz target. */
bool elf_file_find_in_memory(char *image, size_t bytes, struct elf_wanted *wanted, size_t count,
			     struct elf_segment *segment);

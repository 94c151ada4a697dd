/*
 * ELF files of any bytes: whatever they say of their tables, nothing beyond them is read.
 *
 * Input: the file. A file of nonsense ends at its first bytes, so the seeds are small real ones.
 */
#include <stdlib.h>
#include <string.h>

#include "target/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_wanted wanted[] = {
		{.section = ".PyRuntime"},
		{.symbol = "_PyRuntime"},
		{.symbol = "Py_Version"},
	};
	struct elf_segment segment = {0};
	char *image = malloc(size);
	bool found;

	if (image == NULL && size > 0)
		abort();
	if (size > 0)
		memcpy(image, data, size);
	found = elf_file_find_in_memory(image, size, wanted, 3, &segment);
	for (size_t i = 0; i < 3; i++)
		if (wanted[i].found && (!found || wanted[i].address == 0))
			abort();
	free(image);
	return 0;
}

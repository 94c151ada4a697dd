/*
 * _Py_DebugOffsets of any content: refused, or a layout that is safe to follow.
 *
 * Input: a byte that chooses a version, and the first bytes of _PyRuntime. With the choice's top
 * bit set they are changes to a real Python's offsets instead: an index byte and 8 bytes of value
 * each; with the next bit set the version and the cookie are made right.
 */
#include <stdlib.h>
#include <string.h>

#include "pyabi/layout.h"
#include "pyabi/test_samples.h"
#include "pyabi/test_valid.h"

#define SAMPLES (sizeof(offsets_samples) / sizeof(offsets_samples[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(uint32_t version_hex, const void *offsets, size_t bytes)
{
	struct pyabi_layout layout;
	void *copy = malloc(bytes);

	if (copy == NULL && bytes > 0)
		abort();
	if (bytes > 0)
		memcpy(copy, offsets, bytes);
	if (pyabi_layout_init(version_hex, false, copy, bytes, &layout) == 0) {
		struct pyabi_text text = pyabi_text_of(&layout, version_hex ^ (uint32_t)bytes);

		if (!layout_is_valid(&layout) || text.data_offset > 256)
			abort();
	}
	free(copy);
}

static void check_changed(const struct offsets_sample *sample, const uint8_t *data, size_t size)
{
	uint64_t offsets[PYABI_DEBUG_OFFSETS_BYTES / 8];

	memcpy(offsets, sample->offsets, sizeof(offsets));
	for (; size >= 9; data += 9, size -= 9)
		memcpy(&offsets[data[0] % sample->count], data + 1, 8);
	check(sample->layout.version_hex, offsets, sample->count * 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct offsets_sample *sample;
	uint64_t offsets[PYABI_DEBUG_OFFSETS_BYTES / 8 + 2] = {0};

	if (size < 5)
		return 0;
	sample = &offsets_samples[(data[0] & 63) % SAMPLES];
	if (data[0] & 128) {
		check_changed(sample, data + 1, size - 1);
	} else if (data[0] & 64) {
		size_t bytes = size - 1 < sizeof(offsets) ? size - 1 : sizeof(offsets);

		memcpy(offsets, data + 1, bytes);
		memcpy(offsets, sample->offsets, 16);
		check(sample->layout.version_hex, offsets, bytes < 16 ? 16 : bytes);
	} else {
		uint32_t version_hex;

		memcpy(&version_hex, data + 1, sizeof(version_hex));
		check(version_hex, data + 5, size - 5);
	}
	return 0;
}

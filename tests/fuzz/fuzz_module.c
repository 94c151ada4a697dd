/*
 * Memory of any content where a program and its Python should be: headers, symbol tables and
 * structures lead nowhere but to an answer.
 *
 * Input: the memory, of which the first half is the mapped file and the second half anonymous.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/module.h"
#include "target/scan.h"

#define BASE           0x7f0000000000u
#define READS          200000u
#define SIZE_MAX_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *memory;
static size_t memory_bytes;
static unsigned reads;

/* In the place of the room's own. */
bool target_read(const struct target *target, uint64_t address, void *out, size_t bytes)
{
	(void)target;
	if (++reads > READS)
		abort();
	if (address < BASE || address - BASE > memory_bytes ||
	    bytes > memory_bytes - (address - BASE))
		return false;
	if (bytes > 0)
		memcpy(out, memory + (address - BASE), bytes);
	return true;
}

bool target_read_pointer(const struct target *target, uint64_t address, uint64_t *out)
{
	return target_read(target, address, out, sizeof(*out));
}

ssize_t target_read_places(const struct target *target, const struct iovec *local,
			   const struct iovec *remote, size_t count)
{
	(void)target;
	(void)local;
	(void)remote;
	(void)count;
	errno = ESRCH;
	return -1;
}

static bool accept(void *data, uint64_t address)
{
	(void)data;
	return address % 32 == 0;
}

static void search(const struct target_maps *maps)
{
	struct scan scan = {.maps = maps, .budget_bytes = 1u << 20};
	uint64_t end = BASE + memory_bytes, address;
	struct pyabi_layout layout;
	uint32_t version;

	if (scan_find_cookie(&scan, BASE, end, accept, NULL, &address) &&
	    (address < BASE || address >= end || address % 32 != 0))
		abort();
	if (scan_find_version(&scan, BASE, end, &version) && version == 0)
		abort();
	if (pyabi_layout_init(0x030809f0, false, NULL, 0, &layout) == 0 &&
	    scan_find_runtime(&scan, BASE, end, &layout, &address) &&
	    !scan_is_runtime(NULL, &layout, address))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target_map items[2] = {
		{.readable = true, .is_private = true, .inode = 1, .path = "/program"},
		{.readable = true, .writable = true, .is_private = true, .path = ""},
	};
	struct target_maps maps = {.items = items, .count = 2};
	uint64_t address, bias;
	struct module *modules;
	size_t count;

	if (size < 16 || size > SIZE_MAX_BYTES)
		return 0;
	memory = data;
	memory_bytes = size;
	reads = 0;
	items[0].start = BASE;
	items[0].end = items[1].start = BASE + size / 2;
	items[1].end = BASE + size;
	modules = modules_read(NULL, &maps, &count);
	if (count != 1 || modules[0].maps != 2)
		abort();
	module_find_symbol(NULL, &modules[0], "_PyRuntime", &address);
	module_find_symbol(NULL, &modules[0], "a", &address);
	module_find_bias(&modules[0], 0, 0, &bias);
	search(&maps);
	free(modules);
	return 0;
}

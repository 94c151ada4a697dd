#include "target/scan.h"

#include <stdlib.h>
#include <string.h>

#define SCAN_PIECE_BYTES 262144u
/* What is looked for lies within so many bytes of where it begins. */
#define SCAN_OVERLAP_BYTES 4096u
#define SCAN_PAGE_BYTES    4096u
/* Interpreters of one process. */
#define SCAN_INTERPRETERS_MAX 4096u

/* The user's half of the address space, without the first page. */
static bool is_pointer(uint64_t value)
{
	return value % 8 == 0 && value >= SCAN_PAGE_BYTES && value < 1ull << 56;
}

/* Looks at one piece: bytes[0..size) are at `address`; what begins in the first `begin` of them is
 * looked for. True ends the scan. */
typedef bool scan_visit(void *data, const unsigned char *bytes, size_t size, size_t begin,
			uint64_t address);

/* What can be read at the address, up to a piece and the overlap, in pages. */
static size_t scan_read(struct scan *scan, uint64_t address, uint64_t end, unsigned char *bytes)
{
	uint64_t left = end - address;
	size_t size = SCAN_PIECE_BYTES + SCAN_OVERLAP_BYTES;

	if (left < size)
		size = (size_t)left;
	if (size > scan->budget_bytes)
		return 0;
	scan->budget_bytes -= size;
	if (target_read(scan->target, address, bytes, size))
		return size;
	for (size_t at = 0; at < size; at += SCAN_PAGE_BYTES) {
		size_t page = size - at < SCAN_PAGE_BYTES ? size - at : SCAN_PAGE_BYTES;

		if (!target_read(scan->target, address + at, bytes + at, page))
			return at;
	}
	return size;
}

static bool scan_range(struct scan *scan, uint64_t start, uint64_t end, scan_visit *visit,
		       void *data)
{
	unsigned char *bytes = malloc(SCAN_PIECE_BYTES + SCAN_OVERLAP_BYTES);
	bool found = false;

	if (!bytes)
		abort();
	while (start < end && !found && scan->budget_bytes >= SCAN_PAGE_BYTES) {
		size_t size = scan_read(scan, start, end, bytes);
		size_t begin = size < SCAN_PIECE_BYTES ? size : SCAN_PIECE_BYTES;

		found = size && visit(data, bytes, size, begin, start);
		/* A page that cannot be read is left out. */
		start += begin ? begin : SCAN_PAGE_BYTES;
	}
	free(bytes);
	return found;
}

struct cookie_search {
	bool (*accept)(void *data, uint64_t address);
	void *data;
	uint64_t address;
};

static bool visit_cookie(void *data, const unsigned char *bytes, size_t size, size_t begin,
			 uint64_t address)
{
	struct cookie_search *search = data;

	for (size_t at = 0; at < begin && size - at >= 8; at += 8) {
		if (memcmp(bytes + at, PYABI_COOKIE, 8) != 0 ||
		    !search->accept(search->data, address + at))
			continue;
		search->address = address + at;
		return true;
	}
	return false;
}

bool scan_find_cookie(struct scan *scan, uint64_t start, uint64_t end,
		      bool (*accept)(void *data, uint64_t address), void *data, uint64_t *address)
{
	struct cookie_search search = {.accept = accept, .data = data};

	if (!scan_range(scan, start, end, visit_cookie, &search))
		return false;
	*address = search.address;
	return true;
}

static bool is_part_of_word(unsigned char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= 'A' && byte <= 'Z') || byte == '.';
}

static bool visit_version(void *data, const unsigned char *bytes, size_t size, size_t begin,
			  uint64_t address)
{
	uint32_t *version_hex = data;

	(void)address;
	for (size_t at = 1; at < begin; at++) {
		const unsigned char *point = memchr(bytes + at, '.', begin - at);
		char text[32]; /* "3.255.255rc15+ (" */
		const char *end;
		size_t length;

		if (!point)
			break;
		at = (size_t)(point - bytes);
		if ((point[-1] != '3' && point[-1] != '2') ||
		    (at > 1 && is_part_of_word(point[-2])))
			continue;
		length = size - at + 1 < sizeof(text) ? size - at + 1 : sizeof(text) - 1;
		memcpy(text, point - 1, length);
		text[length] = 0;
		*version_hex = pyabi_version_parse(text, &end);
		if (*version_hex && (strncmp(end, " (", 2) == 0 || strncmp(end, "+ (", 3) == 0))
			return true;
	}
	*version_hex = 0;
	return false;
}

bool scan_find_version(struct scan *scan, uint64_t start, uint64_t end, uint32_t *version_hex)
{
	return scan_range(scan, start, end, visit_version, version_hex);
}

/* The main interpreter is the last of the list, and the first thread state names it as its own. */
bool scan_is_runtime(const struct target *target, const struct pyabi_layout *layout,
		     uint64_t address)
{
	uint64_t interpreter, main_interpreter, thread, owner;

	if (!target_read_pointer(target, address + layout->runtime_interpreters_head,
				 &interpreter) ||
	    !target_read_pointer(target, address + layout->runtime_interpreters_main,
				 &main_interpreter) ||
	    !is_pointer(interpreter) || !is_pointer(main_interpreter))
		return false;
	for (unsigned i = 0; i < SCAN_INTERPRETERS_MAX && interpreter != main_interpreter; i++) {
		if (!target_read_pointer(target, interpreter + layout->interp_next, &interpreter) ||
		    !is_pointer(interpreter))
			return false;
	}
	return interpreter == main_interpreter &&
	       target_read_pointer(target, interpreter + layout->interp_tstate_head, &thread) &&
	       is_pointer(thread) &&
	       target_read_pointer(target, thread + layout->tstate_interp, &owner) &&
	       owner == interpreter;
}

struct runtime_search {
	struct scan *scan;
	const struct pyabi_layout *layout;
	uint64_t address;
};

static bool visit_runtime(void *data, const unsigned char *bytes, size_t size, size_t begin,
			  uint64_t address)
{
	struct runtime_search *search = data;
	const struct pyabi_layout *layout = search->layout;
	size_t head_at = layout->runtime_interpreters_head;
	size_t main_at = layout->runtime_interpreters_main;
	size_t span = (head_at > main_at ? head_at : main_at) + 8;

	for (size_t at = 0; at < begin && size - at >= span; at += 8) {
		const struct target_map *map;
		uint64_t head, main_interpreter;

		memcpy(&head, bytes + at + head_at, sizeof(head));
		memcpy(&main_interpreter, bytes + at + main_at, sizeof(main_interpreter));
		if (!is_pointer(head) || !is_pointer(main_interpreter))
			continue;
		map = target_maps_find(search->scan->maps, main_interpreter);
		if (!map || !map->writable ||
		    !scan_is_runtime(search->scan->target, layout, address + at))
			continue;
		search->address = address + at;
		return true;
	}
	return false;
}

bool scan_find_runtime(struct scan *scan, uint64_t start, uint64_t end,
		       const struct pyabi_layout *layout, uint64_t *address)
{
	struct runtime_search search = {.scan = scan, .layout = layout};

	if (!scan_range(scan, start, end, visit_runtime, &search))
		return false;
	*address = search.address;
	return true;
}

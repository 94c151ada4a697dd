#include "sampler/pages.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

void pages_init(struct pages *pages, pages_source *read, const void *data)
{
	*pages = (struct pages){.read = read, .data = data};
	pages->bytes =
		memory_check(malloc(PAGES_KEPT * sizeof(*pages->bytes)), "pages of a process");
}

void pages_deinit(struct pages *pages)
{
	if (!pages)
		return;
	free(pages->bytes);
	pages->bytes = NULL;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pages_begin(struct pages *pages, uint32_t reads, uint64_t time_ns)
{
	memset(pages->page, 0, sizeof(pages->page));
	pages->reads_left = reads;
	pages->deadline_ns = time_ns ? now_ns() + time_ns : 0;
}

static bool may_read(struct pages *pages)
{
	if (!pages->reads_left)
		return false;
	pages->reads_left--;
	if (pages->deadline_ns && now_ns() > pages->deadline_ns)
		pages->reads_left = 0;
	return true;
}

/* The page of this number, or NULL. Page 0 is never mapped where programs may live. */
static const unsigned char *find_page(struct pages *pages, uint64_t number)
{
	/* Objects of one kind are often a power of two of pages apart. */
	size_t place = (number ^ number >> 8 ^ number >> 16) % PAGES_KEPT;

	if (!number)
		return NULL;
	if (pages->page[place] == number)
		return pages->bytes[place];
	if (!may_read(pages))
		return NULL;
	pages->page[place] = 0;
	if (!pages->read(pages->data, number * PAGES_BYTES, pages->bytes[place], PAGES_BYTES))
		return NULL;
	pages->page[place] = number;
	return pages->bytes[place];
}

bool pages_read(struct pages *pages, uint64_t address, void *out, size_t bytes)
{
	unsigned char *to = out;

	if (address + bytes < address)
		return false;
	while (bytes) {
		const unsigned char *page = find_page(pages, address / PAGES_BYTES);
		size_t at = address % PAGES_BYTES;
		size_t part = PAGES_BYTES - at < bytes ? PAGES_BYTES - at : bytes;

		if (!page)
			return false;
		memcpy(to, page + at, part);
		to += part;
		address += part;
		bytes -= part;
	}
	return true;
}

bool pages_read_u32(struct pages *pages, uint64_t address, uint32_t *value)
{
	return pages_read(pages, address, value, sizeof(*value));
}

bool pages_read_u64(struct pages *pages, uint64_t address, uint64_t *value)
{
	return pages_read(pages, address, value, sizeof(*value));
}

bool pages_read_string(struct pages *pages, uint64_t address, char *text, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		size_t here = PAGES_BYTES - (address + used) % PAGES_BYTES;
		size_t part = size - 1 - used < here ? size - 1 - used : here;

		if (!pages_read(pages, address + used, text + used, part))
			return false;
		if (memchr(text + used, 0, part))
			return true;
		used += part;
	}
	text[used] = 0;
	return true;
}

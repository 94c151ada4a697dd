#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/maps.h"
#include "target/target.h"

/*
 * A program or library in a process, read from its memory: that is what runs, whatever became of
 * the file. All of it is what the target says, and believed within bounds alone.
 */
struct module {
	const struct target_map *first; /* its mappings: they and what lies between them */
	size_t maps;
	bool has_headers; /* bias is known */
	uint64_t bias;    /* from addresses in the file to those in the process */
	uint64_t dynamic, dynamic_bytes;
};

/*
 * The file-backed modules of a process in the order of addresses. A file that is mapped twice makes
 * two. To be freed; their maps are borrowed.
 */
struct module *modules_read(const struct target *target, const struct target_maps *maps,
			    size_t *count);

/* A symbol that it defines, from the table that the dynamic linker uses: its address in the
 * process. */
bool module_find_symbol(const struct target *target, const struct module *module, const char *name,
			uint64_t *address);

/* The bias of a file whose headers are not mapped, from one of its segments. */
bool module_find_bias(const struct module *module, uint64_t offset, uint64_t address,
		      uint64_t *bias);

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

/* Numbers on their way into a page: LEB128, deflate (RFC 1951), base64. */
struct packer {
	FILE *out;
	z_stream deflate;
	size_t raw_used, used;
	unsigned char raw[16384];
	/* Compressed; written when it is full: whole groups of three. */
	unsigned char bytes[3 * 4096];
};

/* False when there is no memory. */
bool packer_init(struct packer *packer, FILE *out);
void packer_add(struct packer *packer, uint64_t number);
/* Writes the rest and frees what packer_init took. */
void packer_finish(struct packer *packer);

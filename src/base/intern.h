#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Gives equal byte strings equal ids, dense from 1. The bytes are copied, zero-terminated, and stay
 * where they are until intern_destroy. Out of memory aborts sonde (never the target).
 */
struct intern;

struct intern *intern_create(void);
void intern_destroy(struct intern *intern);
uint32_t intern_add(struct intern *intern, const void *bytes, size_t length);
/* length may be NULL; "" for an id that was never given out. */
const char *intern_text(const struct intern *intern, uint32_t id, size_t *length);
uint32_t intern_count(const struct intern *intern);

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "capture/model.h"
#include "capture/reader.h"

/*
 * The reader's side of the dictionaries. What is in it was checked when it was added: strings are
 * UTF-8 without zero bytes, ids name what came before them. What is handed out stays where it is.
 */
struct dictionary;

struct dictionary *dictionary_create(void);
void dictionary_destroy(struct dictionary *d);

/* Adds the payload of a dictionary chunk; NULL, or what is wrong with it. */
const char *dictionary_add(struct dictionary *d, const unsigned char *payload, size_t length);

uint32_t dictionary_frames(const struct dictionary *d);
uint32_t dictionary_stacks(const struct dictionary *d);
uint32_t dictionary_processes(const struct dictionary *d);
uint32_t dictionary_threads(const struct dictionary *d);

/* Ids that are not there give a frame "<unknown>", an empty stack, an empty process or thread. */
const struct capture_frame *dictionary_frame(const struct dictionary *d, frame_id frame);
void dictionary_stack(const struct dictionary *d, stack_id stack, stack_id *parent,
		      frame_id *frame);
const struct capture_process_info *dictionary_process(const struct dictionary *d,
						      process_id process);
const struct capture_thread_info *dictionary_thread(const struct dictionary *d, thread_id thread);
/* NULL if there is no such process. */
struct capture_process_info *dictionary_process_to_fill(struct dictionary *d, process_id process);

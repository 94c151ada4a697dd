#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyabi/opcodes.h"
#include "sampler/trace_tree.h"
#include "sampler/view.h"
#include "target/target.h"

/*
 * The code objects of one process, by address. Memory of a code object that died is used again, by
 * another one maybe: an entry is good while the interpreter says that no code object died
 * (generation), else after the words that identify it were compared with the target's.
 */
struct code {
	uint64_t address;
	uint32_t number; /* in the trace tree */
	/* Distances of the first code unit, and of what is behind the last one, from the object;
	 * up to 3.10 (PYABI_INSTR_INDEX) indexes, 0 and one that all of its are below. */
	uint32_t first_instr, end_instr;
	uint32_t traceable;   /* distance of the instruction at which its frames have begun */
	uint32_t frame_bytes; /* of a frame of it; 0: not known */
	uint64_t generation;  /* of the interpreter when it was checked */
	uint64_t words[8];    /* what identifies it .. */
	uint32_t file_bytes;  /* .. with so many bytes of its file's name, whose hash is .. */
	uint64_t file_hash;
	uint64_t since_ns, checked_ns; /* when it was read, and compared last */
	uint64_t file_ns;              /* when the name of its file was */
	/* Its instructions as they were at bytecode_ns; NULL until they are asked for. */
	uint8_t *bytecode;
	uint64_t bytecode_ns, bytecode_wait_ns;
	/* Free-threaded: where each thread's copy of the bytecode begins. */
	uint64_t *copies;
	uint32_t copy_count;
};

/* Code objects that are read along with the frames that may have them. */
#define CODES_FORESEEN_MAX 3u
#define CODES_WORDS_MAX    (2 * CODES_FORESEEN_MAX)

struct codes_foreseen {
	uint64_t addresses[CODES_FORESEEN_MAX];
	size_t words[CODES_FORESEEN_MAX + 1]; /* number of the first word of each */
	size_t count;
	size_t read; /* words */
	unsigned char *copies;
};

struct codes {
	const struct target *target;
	const struct pyabi_layout *layout;
	const struct pyabi_opcodes *opcodes;
	struct trace_tree *tree;
	struct code **places; /* open addressing */
	size_t mask, used;
	struct code **sorted; /* by address */
	size_t sorted_room;
	uint64_t code_type;
	uint32_t read_bytes;   /* of a code object */
	unsigned char *copies; /* of code objects that are being checked */
	unsigned char *again;  /* of one, once it was read */
	struct codes_foreseen foreseen;
	unsigned char *text;
	size_t text_bytes;
	uint64_t now_ns;
	uint64_t reads;
};

void codes_init(struct codes *codes, const struct target *target, const struct pyabi_layout *layout,
		struct trace_tree *tree);
void codes_deinit(struct codes *codes);

/* Begins a round of readings: what time it is, for codes_trust. Entries that were found before may
 * be gone: those of a process that makes code objects without end are forgotten now and then. */
void codes_begin_round(struct codes *codes, uint64_t now_ns);

/* Whether an entry in a frame that did not change need not be compared again: code objects that
 * come and go do so soon. */
bool codes_trust(const struct codes *codes, const struct code *code);

/* The entry for an address, whatever its age; NULL if there is none. */
struct code *codes_find(struct codes *codes, uint64_t address);

/* The address of the code object that an instruction belongs to, 0 if it is not known. */
uint64_t codes_find_instr(const struct codes *codes, uint64_t instr);

/*
 * What is to be read of code objects, in one system call with the frames and behind them, so that
 * the next check need not read it. addresses: at most CODES_FORESEEN_MAX. words: room for
 * CODES_WORDS_MAX. Returns how many there are; codes_foreseen says how many of them were read.
 */
size_t codes_foresee(struct codes *codes, const uint64_t *addresses, size_t count,
		     struct view_words *words);
void codes_foreseen(struct codes *codes, size_t words_read);

/*
 * Makes sure of the code objects at these addresses: known ones are compared, those that have
 * changed and new ones are read. One read for each few hundred of what is known and was not
 * foreseen. False unless all of them are code objects; codes_find finds them then. What is at
 * `addresses` is used up.
 */
bool codes_check(struct codes *codes, uint64_t *addresses, size_t count, uint64_t generation);

/* An instruction as struct trace_node spells it; false if it cannot be one of this code object.
 * tlbc_index: of its frame, or 0. */
bool codes_place(struct codes *codes, struct code *code, uint64_t instr, int32_t tlbc_index,
		 uint32_t *place);

/* Whether a frame at a place of this code object may be in the middle of such a call. True where
 * that is not known. */
bool codes_calls(struct codes *codes, struct code *code, uint32_t place, enum pyabi_called called);

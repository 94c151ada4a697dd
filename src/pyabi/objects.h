#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyabi/layout.h"

/*
 * How one CPython lays out its everyday objects, for showing them without running any of its code:
 * types, int, float, tuple, list, set, dict, cells, and the attributes of instances. (str, bytes
 * and code objects: struct pyabi_layout.) As there: offsets in bytes, PYABI_NONE marks what this
 * Python does not have. What the words of an object mean is not left to the caller: the functions
 * below take bytes that were read from the target, and trust none of them.
 */
struct pyabi_objects {
	uint32_t object_type;
	uint32_t object_size; /* sizeof(PyObject) */
	uint32_t var_size;    /* Py_ssize_t, the length of a tuple, list, bytes, .. */

	/* PyTypeObject; PyHeapTypeObject begins with one */
	uint32_t type_name;      /* const char * */
	uint32_t type_basicsize; /* Py_ssize_t */
	uint32_t type_itemsize;  /* Py_ssize_t */
	uint32_t type_flags;     /* unsigned long: enum pyabi_type_flag, and these two masks (0: no
				    such flag): */
	uint32_t type_managed_dict;     /* its instances have a dict before their head, 3.11+ */
	uint32_t type_inline_values;    /* .. and attributes behind their fields, 3.13+ */
	uint32_t type_dictoffset;       /* Py_ssize_t */
	uint32_t type_mro;              /* tuple * */
	uint32_t type_size;             /* enough to read all of the above in one go */
	uint32_t heap_type_cached_keys; /* only with PYABI_TYPE_HEAP: keys *, of its instances'
					   split tables, may be NULL */

	uint32_t tuple_items; /* PyObject *[var_size] */
	uint32_t list_items;  /* PyObject **, NULL while empty */

	uint32_t set_used;  /* Py_ssize_t, also of a frozenset */
	uint32_t set_mask;  /* Py_ssize_t, the table has one entry more */
	uint32_t set_table; /* entry * */
	/* An entry: empty if its key is NULL, deleted if its hash is -1. */
	uint32_t set_entry_key;
	uint32_t set_entry_hash;
	uint32_t set_entry_size;

	uint32_t dict_used;   /* Py_ssize_t */
	uint32_t dict_keys;   /* keys *: pyabi_keys_of */
	uint32_t dict_values; /* NULL, or values *: a split table, whose entries hold no values */

	/* What keys point to, struct _dictkeysobject: a head, indices, entries. */
	uint32_t keys_size;             /* up to 3.10: Py_ssize_t */
	uint32_t keys_log2_size;        /* 3.11+: uint8_t */
	uint32_t keys_log2_index_bytes; /* 3.11+: uint8_t */
	uint32_t keys_kind;             /* 3.11+: uint8_t */
	uint32_t keys_kind_general;     /* its value for keys that are not all str */
	uint32_t keys_nentries;         /* Py_ssize_t, entries in use; deleted ones have no value */
	uint32_t keys_indices;          /* where the head ends */
	uint32_t entry_key;
	uint32_t entry_value;
	uint32_t entry_size;
	uint32_t unicode_entry_key; /* 3.11+: all keys are str */
	uint32_t unicode_entry_value;
	uint32_t unicode_entry_size;

	/* What values point to: an object for each entry of the keys, NULL where it has none. Up to
	 * 3.12 there is nothing but the objects. */
	uint32_t values_items;
	uint32_t values_capacity; /* 3.13+: uint8_t, how many there can be */
	uint32_t values_valid;    /* 3.13+: uint8_t, 0: they moved into the dict */

	/* Bytes before the object's own address; see pyabi_instance_of. */
	uint32_t managed_dict;
	uint32_t managed_values;     /* 3.11 */
	uint32_t managed_values_tag; /* 3.12: this bit is set in a pointer to values; else 0 */

	uint32_t float_value;
	uint32_t long_size;     /* up to 3.11: Py_ssize_t, negative: the number is */
	uint32_t long_tag;      /* 3.12+: uintptr_t */
	uint32_t long_digits;   /* uint32_t each, 30 bits, the least significant first */
	uint32_t cell_contents; /* PyObject *, NULL: empty */

	/* Words of localsplus, 3.14+: the bits that are no address, and their value in an int that
	 * is no object; both 0 before. */
	uint32_t reference_tag_mask;
	uint32_t reference_int_tag;
};

/* Of tp_flags, the same in all versions. */
enum pyabi_type_flag {
	PYABI_TYPE_HEAP = 1u << 9,
	PYABI_TYPE_LONG = 1u << 24, /* int or a subclass, bool among them .. */
	PYABI_TYPE_LIST = 1u << 25,
	PYABI_TYPE_TUPLE = 1u << 26,
	PYABI_TYPE_BYTES = 1u << 27,
	PYABI_TYPE_UNICODE = 1u << 28,
	PYABI_TYPE_DICT = 1u << 29,
	PYABI_TYPE_EXCEPTION = 1u << 30,
	PYABI_TYPE_TYPE = 1u << 31,
};

/* Arguments, result and refusals as pyabi_layout_init. Debug builds differ in nothing here. */
int pyabi_objects_init(uint32_t version_hex, const void *debug_offsets, size_t size,
		       struct pyabi_objects *objects);

/* A word of a frame's localsplus. */
enum pyabi_reference_kind {
	PYABI_REFERENCE_NULL, /* unbound */
	PYABI_REFERENCE_OBJECT,
	PYABI_REFERENCE_INT,
};
struct pyabi_reference {
	enum pyabi_reference_kind kind;
	union {
		uint64_t object; /* its address */
		int64_t integer;
	};
};
struct pyabi_reference pyabi_reference_of(const struct pyabi_objects *objects, uint64_t word);

/* An int: `object` is a copy of its first long_digits bytes. */
struct pyabi_integer {
	bool negative;
	uint64_t digits; /* at long_digits; untrusted */
};
struct pyabi_integer pyabi_integer_of(const struct pyabi_objects *objects, const void *object);

/* A table of keys: `keys` is a copy of its first keys_indices bytes. False: it cannot be one. */
struct pyabi_keys {
	uint64_t count;   /* entries in use, deleted ones among them */
	uint64_t entries; /* where they begin, from the table's address; at most 2^44 */
	uint32_t entry_size;
	uint32_t key;   /* in an entry; NULL or anything: deleted, if its value is NULL */
	uint32_t value; /* .. unless the table is split */
};
bool pyabi_keys_of(const struct pyabi_objects *objects, const void *keys, struct pyabi_keys *out);

/* A type: `type` is a copy of its first type_size bytes. */
struct pyabi_type {
	uint64_t name; /* address of a C string */
	uint64_t flags;
	uint64_t mro;
	int64_t basicsize;
	int64_t itemsize;
	int64_t dictoffset;
};
struct pyabi_type pyabi_type_of(const struct pyabi_objects *objects, const void *type);

/*
 * Where an instance keeps its attributes, as distances from its address; PYABI_NOWHERE where there
 * is no such place. length: its var_size word (needed if type->dictoffset is negative). Follow them
 * in this order:
 *
 *   dict    a word. With a bit of managed_values_tag in it: values (see there) at the word + 1.
 * Else the address of a dict, 0: none. values  a word: the address of values, 0: none. inline
 * values themselves, if their values_valid says so.
 *
 * The keys of values are the type's heap_type_cached_keys. An object with a dict has no other
 * attributes; with none of these it has none.
 */
#define PYABI_NOWHERE INT64_MIN
struct pyabi_instance {
	int64_t dict;
	int64_t values;
	int64_t inline_values;
};
struct pyabi_instance pyabi_instance_of(const struct pyabi_objects *objects,
					const struct pyabi_type *type, int64_t length);

#pragma once

#include "pyabi/builtins.h"
#include "pyabi/objects.h"
#include "sampler/pages.h"
#include "target/runtime.h"

/*
 * One Python of another process, for who looks at its objects (sampler/type.h, unicode.h,
 * integer.h, dict.h, locals.h, object.h). Nothing that they read is believed: whatever the memory
 * holds, every question comes to an end soon, at worst without an answer. Addresses are the
 * target's.
 */
struct space {
	struct pages *pages;
	const struct pyabi_layout *layout;
	const struct pyabi_objects *objects;
	const struct pyabi_builtins *builtins;
};

/* The same with what it points to, for a target. */
struct space_of_target {
	struct space space;
	struct pages pages;
	struct pyabi_objects objects;
	struct pyabi_builtins builtins;
};

/* target and runtime stay where they are until space_close. False if the memory cannot be read. */
bool space_open(struct space_of_target *of, const struct target *target,
		const struct target_runtime *runtime);
void space_close(struct space_of_target *of);

#include "sampler/space.h"

#include "target/target.h"

static bool read_target(const void *target, uint64_t address, void *out, size_t bytes)
{
	return target_read(target, address, out, bytes);
}

bool space_open(struct space_of_target *of, const struct target *target,
		const struct target_runtime *runtime)
{
	unsigned char offsets[PYABI_DEBUG_OFFSETS_BYTES];

	/* What Pythons before 3.13 have there is not looked at. */
	if (!target_read(target, runtime->address, offsets, sizeof(offsets)) ||
	    pyabi_objects_init(runtime->version_hex, offsets, sizeof(offsets), &of->objects) < 0 ||
	    pyabi_builtins_init(runtime->version_hex,
				runtime->layout.features & PYABI_FREE_THREADED, &of->builtins) < 0)
		return false;
	pages_init(&of->pages, read_target, target);
	of->space = (struct space){
		.pages = &of->pages,
		.layout = &runtime->layout,
		.objects = &of->objects,
		.builtins = &of->builtins,
	};
	return true;
}

void space_close(struct space_of_target *of)
{
	pages_deinit(&of->pages);
}

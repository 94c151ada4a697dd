#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "target/maps.h"
#include "target/maps_text.h"

static void parse(const char *line, bool expected, struct target_map *map, char *kept, size_t size)
{
	snprintf(kept, size, "%s", line);
	assert_int_equal(maps_parse_line(kept, map), expected);
}

static void test_lines(void **state)
{
	struct target_map map;
	char kept[256];

	(void)state;
	parse("55d0c0000000-55d0c0100000 r-xp 0001a000 fe:01 1234                  /usr/bin/a b",
	      true, &map, kept, sizeof(kept));
	assert_int_equal(map.start, 0x55d0c0000000);
	assert_int_equal(map.end, 0x55d0c0100000);
	assert_true(map.readable && !map.writable && map.executable && map.is_private);
	assert_int_equal(map.offset, 0x1a000);
	assert_int_equal(map.device, makedev(0xfe, 1));
	assert_int_equal(map.inode, 1234);
	assert_string_equal(map.path, "/usr/bin/a b");
	assert_false(map.deleted);

	parse("7f0000000000-7f0000001000 rw-s 00000000 00:01 77 /memfd:x (deleted)", true, &map,
	      kept, sizeof(kept));
	assert_true(map.readable && map.writable && !map.executable && !map.is_private);
	assert_string_equal(map.path, "/memfd:x");
	assert_true(map.deleted);

	parse("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ", true, &map, kept, sizeof(kept));
	assert_string_equal(map.path, "");
	parse("7f0000000000-7f0000001000 rw-p 00000000 00:00 0", true, &map, kept, sizeof(kept));
	assert_string_equal(map.path, "");
	parse("7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                          [stack]",
	      true, &map, kept, sizeof(kept));
	assert_string_equal(map.path, "[stack]");
	parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", true, &map,
	      kept, sizeof(kept));
	assert_int_equal(map.end, 0xffffffffff601000);
	parse("1000-2000 r--p 00000000 00:01 1 /a\\012b (deleted)", true, &map, kept, sizeof(kept));
	assert_string_equal(map.path, "/a\nb");
	assert_true(map.deleted);
}

static void test_lines_that_are_none(void **state)
{
	static const char *const lines[] = {
		"",
		"x",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r-",
		"1000-2000 r--p",
		"1000-2000 r--p 0",
		"1000-2000 r--p 0 0:0",
		"1000-2000 r--p 0 0:0 ",
		"1000-2000 r--p 0 0:0 x",
		"2000-1000 r--p 0 0:0 0",
		"1000-1000 r--p 0 0:0 0",
		"10000000000000000-20000000000000000 r--p 0 0:0 0",
		"1000-2000 r--p 0 0:0 99999999999999999999999",
		"-1000-2000 r--p 0 0:0 0",
		" 1000-2000 r--p 0 0:0 0",
	};
	struct target_map map;
	char kept[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		parse(lines[i], false, &map, kept, sizeof(kept));
}

static void test_texts(void **state)
{
	/* What is torn, or steps back, is left out. */
	static const char text[] = "1000-2000 r--p 0 0:0 0\n"
				   "1800-3000 r--p 0 0:0 0 overlaps\n"
				   "torn\n"
				   "\n"
				   "2000-3000 rw-p 0 0:0 0 [heap]\n"
				   "5000-6000 rw-p 0 0:0 0";
	struct target_maps maps = {.texts = strdup(text)};

	(void)state;
	maps_parse(&maps);
	assert_int_equal(maps.count, 3);
	assert_null(target_maps_find(&maps, 0xfff));
	assert_ptr_equal(target_maps_find(&maps, 0x1000), &maps.items[0]);
	assert_ptr_equal(target_maps_find(&maps, 0x1fff), &maps.items[0]);
	assert_ptr_equal(target_maps_find(&maps, 0x2000), &maps.items[1]);
	assert_null(target_maps_find(&maps, 0x3000));
	assert_null(target_maps_find(&maps, 0x4fff));
	assert_ptr_equal(target_maps_find(&maps, 0x5000), &maps.items[2]);
	assert_null(target_maps_find(&maps, 0x6000));
	assert_null(target_maps_find(&maps, UINT64_MAX));
	target_maps_deinit(&maps);
	assert_null(target_maps_find(&maps, 0x1000));
}

/* Of this process itself. */
static struct target *self(void)
{
	struct target *target;
	struct error err;

	assert_int_equal(target_open(getpid(), &target, &err), 0);
	return target;
}

struct mapped {
	char folder[64], path[128];
	void *page;
};

static void map_file(struct mapped *mapped)
{
	int fd;

	snprintf(mapped->folder, sizeof(mapped->folder), "%s/sonde-maps-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(mapped->folder));
	snprintf(mapped->path, sizeof(mapped->path), "%s/a file", mapped->folder);
	fd = open(mapped->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "original", 8), 8);
	assert_int_equal(ftruncate(fd, 8192), 0);
	mapped->page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
	assert_ptr_not_equal(mapped->page, MAP_FAILED);
	close(fd);
}

static void unmap_file(struct mapped *mapped)
{
	munmap(mapped->page, 4096);
	unlink(mapped->path);
	rmdir(mapped->folder);
}

/* Whether what is opened is what was mapped. */
static void check_open(const struct mapped *mapped, bool deleted)
{
	struct target *target = self();
	const struct target_map *map;
	struct target_maps maps;
	char text[9] = "";
	struct error err;
	int fd;

	assert_int_equal(target_maps_read(target, &maps, &err), 0);
	map = target_maps_find(&maps, (uintptr_t)mapped->page);
	assert_non_null(map);
	assert_int_equal(map->start, (uintptr_t)mapped->page);
	assert_int_equal(map->offset, 4096);
	assert_true(map->readable && !map->writable && !map->executable);
	assert_string_equal(map->path, mapped->path);
	assert_int_equal(map->deleted, deleted);
	fd = target_map_open(target, map);
	/* map_files is for CAP_SYS_ADMIN and CAP_CHECKPOINT_RESTORE alone. */
	if (fd >= 0 || !deleted || geteuid() == 0) {
		assert_true(fd >= 0);
		assert_int_equal(read(fd, text, 8), 8);
		assert_string_equal(text, "original");
		close(fd);
	}
	target_maps_deinit(&maps);
	target_close(target);
}

static void test_open(void **state)
{
	struct mapped mapped;

	(void)state;
	map_file(&mapped);
	check_open(&mapped, false);
	unmap_file(&mapped);
}

static void test_open_deleted(void **state)
{
	struct mapped mapped;

	(void)state;
	map_file(&mapped);
	unlink(mapped.path);
	check_open(&mapped, true);
	unmap_file(&mapped);
}

static void test_open_replaced(void **state)
{
	struct mapped mapped;
	int fd;

	(void)state;
	map_file(&mapped);
	unlink(mapped.path);
	fd = open(mapped.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "impostor", 8), 8);
	close(fd);
	check_open(&mapped, true);
	unmap_file(&mapped);
}

/* A name that leads elsewhere is not followed into a trap. */
static void test_open_fifo(void **state)
{
	struct target *target = self();
	struct mapped mapped;
	struct target_map map = {.start = 1, .end = 2, .inode = 1, .device = 1};

	(void)state;
	map_file(&mapped);
	unlink(mapped.path);
	assert_int_equal(mkfifo(mapped.path, 0600), 0);
	map.path = mapped.path;
	assert_int_equal(target_map_open(target, &map), -1);
	map.path = "";
	assert_int_equal(target_map_open(target, &map), -1);
	unmap_file(&mapped);
	target_close(target);
}

static void test_many(void **state)
{
	struct target *target = self();
	struct target_maps maps;
	struct error err;
	enum {
		MANY = 20000
	};
	char *area = mmap(NULL, MANY * 2 * 4096ul, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t found = 0;

	(void)state;
	assert_ptr_not_equal(area, MAP_FAILED);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(mprotect(area + i * 8192, 4096, PROT_READ), 0);
	assert_int_equal(target_maps_read(target, &maps, &err), 0);
	for (size_t i = 0; i < MANY; i++) {
		const struct target_map *map = target_maps_find(&maps, (uintptr_t)area + i * 8192);

		found += map && map->start == (uintptr_t)area + i * 8192 && map->readable;
	}
	assert_int_equal(found, MANY);
	for (size_t i = 1; i < maps.count; i++)
		assert_true(maps.items[i].start >= maps.items[i - 1].end);
	munmap(area, MANY * 8192ul);
	target_maps_deinit(&maps);
	target_close(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),        cmocka_unit_test(test_lines_that_are_none),
		cmocka_unit_test(test_texts),        cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_deleted), cmocka_unit_test(test_open_replaced),
		cmocka_unit_test(test_open_fifo),    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "analysis/specimen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check(int status, const struct error *err)
{
	if (status == 0)
		return;
	fprintf(stderr, "specimen: %s\n", err->message);
	abort();
}

struct capture_start specimen_start(void)
{
	static const char *const command_line[] = {"sonde", "run", "app.py", NULL};

	return (struct capture_start){
		.mode = CAPTURE_FULL,
		.wall_time_ns = INT64_C(1704164645678000000),
		.page_size = 4096,
		.command_line = command_line,
		.host = "example",
		.system = "Linux 6.1.0 x86_64",
		.sonde_version = "0.1.0",
		.temporary_threshold = 1,
		.allocations = true,
	};
}

struct capture_start specimen_time_start(void)
{
	struct capture_start start = specimen_start();

	start.allocations = false;
	start.sampling_period_ns = 1000000;
	start.time_metric = CAPTURE_TIME_CPU;
	return start;
}

void specimen_begin(struct specimen *specimen, const struct capture_start *start)
{
	struct capture_start usual = specimen_start();
	struct capture_process process = {
		.pid = 100,
		.parent_pid = 1,
		.command = "python3 app.py",
		.executable = "/usr/bin/python3",
		.python_version = "3.12.1",
		.python_allocator = "pymalloc",
	};
	struct error err;
	int fd;

	snprintf(specimen->path, sizeof(specimen->path), "/tmp/sonde-specimen-XXXXXX");
	fd = mkstemp(specimen->path);
	if (fd < 0) {
		perror("specimen");
		abort();
	}
	close(fd);
	check(writer_open(specimen->path, true, start != NULL ? start : &usual, &specimen->writer,
			  &err),
	      &err);
	specimen->process = writer_process(specimen->writer, &process);
	specimen->thread = writer_thread(specimen->writer, specimen->process, 100, "main");
}

stack_id specimen_stack(struct specimen *specimen, stack_id parent, const char *function,
			const char *file, unsigned line)
{
	return writer_stack(specimen->writer, parent,
			    writer_frame(specimen->writer, FRAME_PYTHON, function, strlen(function),
					 file, strlen(file), line));
}

slot_id specimen_malloc(struct specimen *specimen, stack_id stack, uint64_t bytes)
{
	return writer_alloc(specimen->writer, specimen->thread, ALLOCATOR_MALLOC, stack, bytes);
}

void specimen_free(struct specimen *specimen, slot_id slot)
{
	writer_free(specimen->writer, specimen->thread, slot);
}

static struct capture_reader *open_again(const struct specimen *specimen)
{
	struct capture_reader *reader;
	struct error err;

	check(reader_open(specimen->path, &reader, &err), &err);
	unlink(specimen->path);
	return reader;
}

struct capture_reader *specimen_read(struct specimen *specimen, bool complete)
{
	struct error err;

	check(writer_close(specimen->writer, complete, &err), &err);
	return open_again(specimen);
}

struct capture_reader *specimen_read_damaged(struct specimen *specimen)
{
	struct error err;
	FILE *file;
	long middle;
	int byte;

	check(writer_close(specimen->writer, true, &err), &err);
	file = fopen(specimen->path, "r+");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
		perror("specimen");
		abort();
	}
	middle = ftell(file) / 2;
	fseek(file, middle, SEEK_SET);
	byte = fgetc(file);
	fseek(file, middle, SEEK_SET);
	fputc(byte ^ 0x55, file);
	fclose(file);
	return open_again(specimen);
}

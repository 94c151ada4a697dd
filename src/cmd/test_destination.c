#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/destination.h"
#include "cmd/test_folder.h"

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *name, const char *text)
{
	char got[64] = "";
	FILE *file = fopen(name, "r");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

static int count_files(void)
{
	DIR *dir = opendir(".");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void test_new_file(void **state)
{
	struct destination destination;
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(destination_open("a.txt", false, &destination, &err), 0);
	fputs("hello", destination.stream);
	fflush(destination.stream);
	assert_int_equal(access("a.txt", F_OK), -1); /* not before it is whole */
	assert_int_equal(destination_commit(&destination, &err), 0);
	assert_holds("a.txt", "hello");
	assert_int_equal(stat("a.txt", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(count_files(), 1);
}

static void test_existing_file(void **state)
{
	struct destination destination;
	struct error err;

	(void)state;
	put("a.txt", "old");
	assert_int_equal(destination_check("a.txt", false, &err), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "--force"));
	assert_int_equal(destination_open("a.txt", false, &destination, &err), -ERROR_USAGE);
	assert_int_equal(destination_check("a.txt", true, &err), 0);
	assert_int_equal(destination_open("a.txt", true, &destination, &err), 0);
	fputs("new", destination.stream);
	assert_holds("a.txt", "old");
	assert_int_equal(destination_commit(&destination, &err), 0);
	assert_holds("a.txt", "new");
	assert_int_equal(count_files(), 1);
}

static void test_appeared_meanwhile(void **state)
{
	struct destination destination;
	struct error err;

	(void)state;
	assert_int_equal(destination_open("a.txt", false, &destination, &err), 0);
	fputs("mine", destination.stream);
	put("a.txt", "theirs");
	assert_int_equal(destination_commit(&destination, &err), -ERROR_USAGE);
	assert_holds("a.txt", "theirs");
	assert_int_equal(count_files(), 1);
}

static void test_symbolic_link(void **state)
{
	struct destination destination;
	struct error err;
	struct stat st;

	(void)state;
	put("real.txt", "old");
	assert_int_equal(symlink("real.txt", "link.txt"), 0);
	assert_int_equal(destination_open("link.txt", true, &destination, &err), 0);
	fputs("new", destination.stream);
	assert_int_equal(destination_commit(&destination, &err), 0);
	assert_holds("real.txt", "new");
	assert_int_equal(lstat("link.txt", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void test_abandon(void **state)
{
	struct destination destination;
	struct error err;

	(void)state;
	assert_int_equal(destination_open("a.txt", false, &destination, &err), 0);
	fputs("half", destination.stream);
	destination_abandon(&destination);
	assert_int_equal(count_files(), 0);
}

static void test_places_that_cannot_be(void **state)
{
	struct destination destination;
	struct error err;

	(void)state;
	mkdir("dir", 0777);
	assert_int_equal(destination_check("dir", true, &err), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "is a directory"));
	assert_int_equal(destination_check("", false, &err), -ERROR_USAGE);
	put("file", "");
	assert_int_equal(destination_check("file/x", false, &err), -ERROR_USAGE);
	assert_int_equal(destination_open("absent/x", false, &destination, &err), -ERROR_FAILED);
	assert_non_null(strstr(err.message, "cannot write absent/x: No such file"));
}

static void test_device(void **state)
{
	struct destination destination;
	struct error err;

	(void)state;
	assert_int_equal(destination_open("/dev/null", false, &destination, &err), 0);
	fputs("x", destination.stream);
	assert_int_equal(destination_commit(&destination, &err), 0);
	assert_int_equal(destination_open("/dev/full", false, &destination, &err), 0);
	fputs("x", destination.stream);
	assert_int_equal(destination_commit(&destination, &err), -ERROR_FAILED);
	assert_non_null(strstr(err.message, "/dev/full: No space left"));
}

static void test_standard_output(void **state)
{
	struct destination destination;
	struct error err;

	(void)state;
	assert_int_equal(destination_check("-", false, &err), 0);
	assert_int_equal(destination_open("-", false, &destination, &err), 0);
	assert_ptr_equal(destination.stream, stdout);
	assert_int_equal(destination_commit(&destination, &err), 0);
	assert_int_equal(destination_open(NULL, false, &destination, &err), 0);
	assert_ptr_equal(destination.stream, stdout);
	destination_abandon(&destination);
}

/* Runs `child` in a process of its own; returns its wait status. */
static int in_child(void (*child)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		child();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void be_interrupted(void)
{
	struct destination destination;
	struct error err;

	signal(SIGINT, SIG_DFL);
	if (destination_open("a.txt", false, &destination, &err) < 0)
		_exit(1);
	fputs("half", destination.stream);
	raise(SIGINT);
}

static void test_interrupted(void **state)
{
	int status = in_child(be_interrupted);

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	assert_int_equal(count_files(), 0);
}

static void meet_size_limit(void)
{
	struct rlimit limit = {1000, 1000};
	char block[8192] = {0};
	struct destination destination;
	struct error err;

	setrlimit(RLIMIT_FSIZE, &limit);
	if (destination_open("a.txt", false, &destination, &err) < 0)
		_exit(1);
	fwrite(block, 1, sizeof(block), destination.stream);
	_exit(destination_commit(&destination, &err) == -ERROR_FAILED ? 0 : 2);
}

static void test_size_limit(void **state)
{
	int status = in_child(meet_size_limit);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_files(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, folder_clear)
	const struct CMUnitTest tests[] = {
		TEST(test_new_file),      TEST(test_existing_file),
		TEST(test_symbolic_link), TEST(test_appeared_meanwhile),
		TEST(test_abandon),       TEST(test_places_that_cannot_be),
		TEST(test_device),        TEST(test_standard_output),
		TEST(test_interrupted),   TEST(test_size_limit),
	};

	umask(022);
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}

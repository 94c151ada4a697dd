#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/command.h"
#include "cmd/completion.h"
#include "cmd/help.h"
#include "cmd/reading.h"
#include "report/report.h"

/* The structure of the commands: whatever is in a table is in every text made from it. */

struct text {
	char *bytes;
	size_t size;
	FILE *stream;
};

static FILE *text_begin(struct text *text)
{
	text->stream = open_memstream(&text->bytes, &text->size);
	assert_non_null(text->stream);
	return text->stream;
}

static void text_end(struct text *text)
{
	assert_int_equal(fclose(text->stream), 0);
}

static struct text manual, bash, zsh, fish;

/* Takes roff's escapes out, for comparing. */
static void unescape(char *text)
{
	char *to = text;

	for (char *at = text; *at; at++) {
		if (at[0] == '\\' && (at[1] == 'f' || at[1] == '&'))
			at += at[1] == 'f' ? 2 : 1;
		else if (strncmp(at, "\\(aq", 4) == 0)
			*to++ = '\'', at += 3;
		else if (at[0] == '\\' && at[1] == '-')
			*to++ = '-', at++;
		else
			*to++ = *at;
	}
	*to = '\0';
}

static int set_up(void **state)
{
	(void)state;
	manual_write(text_begin(&manual));
	text_end(&manual);
	unescape(manual.bytes);
	completion_write(SHELL_BASH, text_begin(&bash));
	text_end(&bash);
	completion_write(SHELL_ZSH, text_begin(&zsh));
	text_end(&zsh);
	completion_write(SHELL_FISH, text_begin(&fish));
	text_end(&fish);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(manual.bytes);
	free(bash.bytes);
	free(zsh.bytes);
	free(fish.bytes);
	return 0;
}

/* Whether `word` stands in the text as a whole word: "--to" is not in "--total". */
static const char *find_word(const char *text, const char *word)
{
	size_t bytes = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
		bool begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '-');
		bool ends = !isalnum((unsigned char)at[bytes]) && at[bytes] != '-';

		if (begins && ends)
			return at;
	}
	return NULL;
}

/* The part of a text from `begin` to the next `end`; to be freed. */
static char *part(const char *text, const char *begin, const char *end)
{
	const char *from = strstr(text, begin);
	const char *to;

	if (!from) {
		fail_msg("'%s' is not in the text", begin);
		return NULL;
	}
	to = strstr(from + strlen(begin), end);
	return to ? strndup(from, (size_t)(to - from)) : strdup(from);
}

static void assert_word(const char *text, const char *word, const char *where)
{
	if (!find_word(text, word))
		fail_msg("%s is not in %s", word, where);
}

static void check_lists(const struct command *command, const struct option *option,
			const char *bash_part, const char *zsh_part)
{
	for (size_t i = 0; option->choices && option->choices[i]; i++) {
		char line[96];

		assert_word(bash_part, option->choices[i], "bash");
		assert_word(zsh_part, option->choices[i], "zsh");
		snprintf(line, sizeof(line), "__sonde_at %s", command->name);
		assert_word(fish.bytes, option->choices[i], "fish");
	}
}

static void check_fish(const struct command *command, const struct option *option)
{
	char condition[96], names[96];
	size_t used = 0;
	const char *line;

	if (option->letter)
		used = (size_t)snprintf(names, sizeof(names), " -s %c", option->letter);
	if (*option->name)
		snprintf(names + used, sizeof(names) - used, " -l %s%s ",
			 option->on_by_default ? "no-" : "", option->name);
	snprintf(condition, sizeof(condition), "'__sonde_at %s", command->name);
	for (line = strstr(fish.bytes, condition); line; line = strstr(line + 1, condition)) {
		const char *end = strchr(line, '\n');
		const char *found = strstr(line, names);

		if (found && found < end)
			return;
	}
	fail_msg("sonde %s:%s is not in fish", command->name, names);
}

static void check_option(const struct command *command, const struct option *option,
			 const char *help, const char *man_part, const char *bash_part,
			 const char *zsh_part)
{
	char spelling[64], letter[3] = {'-', option->letter, '\0'};

	option_spelling(option, spelling, sizeof(spelling));
	assert_word(help, spelling, "help");
	assert_word(man_part, spelling, "the manual page");
	assert_word(bash_part, spelling, "bash");
	assert_word(zsh_part, spelling, "zsh");
	if (option->letter) {
		assert_word(help, letter, "help");
		assert_word(man_part, letter, "the manual page");
		assert_word(bash_part, letter, "bash");
		assert_word(zsh_part, letter, "zsh");
	}
	check_fish(command, option);
	check_lists(command, option, bash_part, zsh_part);
}

static void check_command(const struct command *command)
{
	struct option_cursor cursor = {0};
	const struct option *option;
	struct text help;
	char key[64];
	char *man_part, *bash_part, *zsh_part;

	help_write_command(command, 80, text_begin(&help));
	text_end(&help);
	snprintf(key, sizeof(key), "\n.SS sonde %s [options]", command->name);
	man_part = part(manual.bytes, key, "\n.S");
	snprintf(key, sizeof(key), "\n    %s)\n", command->name);
	bash_part = part(bash.bytes, key, "\n        ;;\n");
	snprintf(key, sizeof(key), "\n        %s)\n", command->name);
	zsh_part = part(zsh.bytes, key, "\n            ;;\n");
	while ((option = options_next(command->options, &cursor)))
		check_option(command, option, help.bytes, man_part, bash_part, zsh_part);
	for (size_t i = 0; command->words && command->words[i]; i++) {
		assert_word(bash_part, command->words[i], "bash");
		assert_word(zsh_part, command->words[i], "zsh");
		assert_word(fish.bytes, command->words[i], "fish");
	}
	free(help.bytes);
	free(man_part);
	free(bash_part);
	free(zsh_part);
}

static void test_options_are_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; command_list[i]; i++)
		if (command_list[i]->group != COMMAND_HIDDEN)
			check_command(command_list[i]);
}

static void assert_sentence(const char *text)
{
	size_t bytes = strlen(text);

	assert_in_range(bytes, 3, 200);
	assert_false(isupper((unsigned char)text[0]) && islower((unsigned char)text[1]));
	assert_int_not_equal(text[bytes - 1], '.');
}

static void test_commands_are_complete(void **state)
{
	struct text overview;

	(void)state;
	help_write_overview(80, text_begin(&overview));
	text_end(&overview);
	for (size_t i = 0; command_list[i]; i++) {
		const struct command *command = command_list[i];
		const char *line = command->examples[0].line;

		assert_non_null(command->run);
		assert_non_null(command->arguments);
		assert_sentence(command->summary);
		assert_in_range(strlen(command->summary), 10, 75);
		assert_non_null(line);
		assert_ptr_equal(command_find(command->name), command);
		assert_int_equal(find_word(overview.bytes, command->name) != NULL,
				 command->group != COMMAND_HIDDEN);
		assert_true(command->arguments_min == 0 || *command->arguments);
		assert_true(!command->defaults || command->settings_bytes);
	}
	free(overview.bytes);
}

static void check_table(const struct command *command)
{
	struct option_cursor cursor = {0}, other;
	const struct option *option, *second;

	while ((option = options_next(command->options, &cursor))) {
		assert_sentence(option->help);
		assert_true(option->kind == OPTION_HELP || option->kind == OPTION_REFUSED ||
			    option->setting < command->settings_bytes);
		assert_int_equal(option->kind == OPTION_CHOICE, option->choices != NULL);
		assert_int_equal(option->kind == OPTION_REFUSED, option->refusal != NULL);
		assert_true(*option->name || option->letter);
		if (option->mistaken_for && options_find(command->options, option->mistaken_for))
			assert_int_equal(options_find(command->options, option->mistaken_for)->kind,
					 OPTION_CHOICE);
		other = cursor;
		while ((second = options_next(command->options, &other))) {
			assert_true(!*option->name || strcmp(option->name, second->name) != 0);
			assert_true(!option->letter || option->letter != second->letter);
		}
	}
}

static void test_tables_are_sound(void **state)
{
	(void)state;
	for (size_t i = 0; command_list[i]; i++)
		check_table(command_list[i]);
}

/* Help stays within the width, as far as words allow. */
static void test_help_fits(void **state)
{
	(void)state;
	for (size_t i = 0; command_list[i]; i++) {
		struct text help;
		char *rest = NULL;

		help_write_command(command_list[i], 80, text_begin(&help));
		text_end(&help);
		for (char *line = strtok_r(help.bytes, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			if (strlen(line) > 80)
				fail_msg("sonde help %s is too wide: %s", command_list[i]->name,
					 line);
		free(help.bytes);
	}
}

/* An example is a command line: it must be one that sonde takes. */
static void check_example(const char *line)
{
	char copy[256], *words[32] = {NULL}, *save = NULL;
	const struct command *command;
	struct arguments arguments;
	struct error err = {0};
	void *settings;
	int count = 0;

	assert_non_null(strstr(line, "sonde "));
	snprintf(copy, sizeof(copy), "%s", strstr(line, "sonde "));
	copy[strcspn(copy, "|>)")] = '\0';
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	assert_in_range(count, 2, 31);
	command = command_find(words[1]);
	assert_non_null(command);
	settings = calloc(1, command->settings_bytes + 1);
	if (options_parse(command->name, command->options, command->order, count - 2, words + 2,
			  settings, &arguments, &err) < 0)
		fail_msg("%s: %s", line, err.message);
	assert_true(arguments.count >= command->arguments_min);
	assert_true(command->arguments_max < 0 || arguments.count <= command->arguments_max);
	arguments_deinit(&arguments);
	options_release(command->options, settings);
	free(settings);
}

static void test_examples_parse(void **state)
{
	(void)state;
	for (size_t i = 0; command_list[i]; i++)
		for (size_t j = 0; command_list[i]->examples[j].line; j++)
			check_example(command_list[i]->examples[j].line);
}

static int execute(const char *name, struct error *err, char **words)
{
	int count = 0;

	while (words[count])
		count++;
	memset(err, 0, sizeof(*err));
	return command_execute(command_find(name), count, words, err);
}

#define EXECUTE(name, err, ...) execute(name, err, (char *[]){__VA_ARGS__, NULL})

static void test_mistakes(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(EXECUTE("table", &err, "-q"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "table needs CAPTURE, as in: sonde table "));
	assert_int_equal(EXECUTE("table", &err, "a", "b"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "'b' came after it"));
	assert_int_equal(EXECUTE("export", &err, "-f", "speedscope", "a"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "-f is --force here"));
	assert_non_null(strstr(err.message, "--format speedscope"));
	assert_int_equal(EXECUTE("flamegraph", &err, "-fsvg", "a"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "--format svg"));
	assert_int_equal(EXECUTE("export", &err, "a"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "--format"));
	assert_int_equal(EXECUTE("table", &err, "--from", "2s", "--to", "1s", "a"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "--from must be"));
	assert_int_equal(EXECUTE("completion", &err, "tcsh"), -ERROR_USAGE);
	assert_int_equal(EXECUTE("help", &err, "tabel"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "did you mean table?"));
	assert_int_equal(EXECUTE("flamegraph", &err, "-"), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "-o FILE"));
}

static void test_refusals_of_run(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(EXECUTE("run", &err, "--native", "app.py"), -ERROR_UNSUPPORTED);
	assert_int_equal(EXECUTE("run", &err, "--follow-fork", "app.py"), -ERROR_UNSUPPORTED);
	assert_int_equal(EXECUTE("run", &err, "-q"), -ERROR_USAGE);
	assert_int_equal(EXECUTE("run", &err, "-o", "%z", "--", "true"), -ERROR_USAGE);
	assert_int_equal(EXECUTE("run", &err, "-o", "/dev/null", "--", "/nonexistent"),
			 -ERROR_NOT_FOUND);
}

/* Every report that a command asks for is one that there is. */
static void test_formats_exist(void **state)
{
	static const char *const fixed[] = {
		"table", "tree", "summary", "stats", "info", "flamegraph-html", "flamegraph-svg"};
	const struct option *format = options_find(command_export.options, "format");

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		assert_non_null(report_find(fixed[i]));
	for (size_t i = 0; format->choices[i]; i++)
		assert_non_null(report_find(format->choices[i]));
}

static void assert_default_path(const char *capture, const char *metric, const char *expected)
{
	char *path = reading_default_path(capture, metric, "html");

	assert_string_equal(path, expected);
	free(path);
}

static void test_default_path(void **state)
{
	(void)state;
	assert_default_path("app.sonde", NULL, "app.html");
	assert_default_path("dir/app.py.12.sonde", "leaks", "dir/app.py.12.leaks.html");
	assert_default_path("capture", "total", "capture.total.html");
	assert_default_path(".sonde", NULL, ".sonde.html");
	assert_default_path("a.sonde/x", NULL, "a.sonde/x.html");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_everywhere),
		cmocka_unit_test(test_commands_are_complete),
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_help_fits),
		cmocka_unit_test(test_examples_parse),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_refusals_of_run),
		cmocka_unit_test(test_formats_exist),
		cmocka_unit_test(test_default_path),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

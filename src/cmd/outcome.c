#include "cmd/outcome.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "pyabi/layout.h"

static void write_quoted(const char *path, FILE *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-+=@,/%";

	if (*path && *path != '-' && strspn(path, plain) == strlen(path)) {
		fputs(path, out);
		return;
	}
	fputs(*path == '-' ? "./'" : "'", out);
	for (; *path; path++) {
		if (*path == '\'')
			fputs("'\\''", out);
		else
			fputc(*path, out);
	}
	fputc('\'', out);
}

/* What was recorded, of which a capture that was cut holds only a part. */
static void say_recorded(const struct recording_result *result)
{
	char events[32], duration[32], peak[32];
	const char *before = ": ";

	if (result->processes) {
		fprintf(stderr, ": %s events", text_count(result->events, events, sizeof(events)));
		before = " and ";
	}
	if (result->sampling.samples)
		fprintf(stderr, "%s%s samples", before,
			text_count(result->sampling.samples, events, sizeof(events)));
	fprintf(stderr, " in %s", text_duration(result->duration_ns, duration, sizeof(duration)));
	if (result->peak_bytes)
		fprintf(stderr, ", peak %s", text_bytes(result->peak_bytes, peak, sizeof(peak)));
	if (result->peak_rss_bytes)
		fprintf(stderr, ", peak RSS %s",
			text_bytes(result->peak_rss_bytes, peak, sizeof(peak)));
}

static void say_written(const struct recording_result *result, bool color)
{
	char bytes[32];

	fprintf(stderr, "sonde: wrote %s%s%s, %s", color ? "\033[1m" : "", result->output,
		color ? "\033[0m" : "", text_bytes(result->bytes, bytes, sizeof(bytes)));
	if (result->cut)
		fputs(", up to where that failed", stderr);
	else
		say_recorded(result);
	fputs("\nnext:  sonde flamegraph ", stderr);
	write_quoted(result->output, stderr);
	fputc('\n', stderr);
}

static void say_lost(const struct recording_result *result)
{
	char count[32];

	for (unsigned reason = 0; reason < LOST_END; reason++) {
		if (!result->lost[reason])
			continue;
		text_count(result->lost[reason], count, sizeof(count));
		if (reason == LOST_STACK)
			fprintf(stderr, "sonde: %s events have lost their stack\n", count);
		else
			fprintf(stderr, "sonde: lost %s events: %s\n", count,
				lost_reason_name(reason));
	}
}

/* A program may well allocate nothing that goes past pymalloc. */
static void say_empty(const struct recording_result *result, bool from_start)
{
	fprintf(stderr, "sonde: wrote %s, which is empty: %s\n", result->output,
		from_start ? "no process lived long enough to be recorded"
			   : "the program's own code allocated nothing, or was never reached; "
			     "--whole-process records the interpreter around it too");
}

static void say_nothing_loaded(const struct recording_result *result, bool from_start)
{
	char version[24];

	fprintf(stderr, "sonde: nothing was recorded, %s is empty: ", result->output);
	if (result->refused_python) {
		pyabi_version_text(result->refused_python, version, sizeof(version));
		fprintf(stderr, "Python %s %s\n", version, pyabi_refusal(result->refused_python));
		return;
	}
	fprintf(stderr,
		"no process loaded the agent%s; statically linked and set-user-id programs "
		"cannot\n",
		from_start ? "" : " and ran a Python that sonde knows");
}

/* Processes, or what they are, that are missing. */
static void say_missing(const struct recording_result *result, bool from_start)
{
	char version[24];

	if (!result->loaded) {
		say_nothing_loaded(result, from_start);
	} else if (result->refused_python) {
		pyabi_version_text(result->refused_python, version, sizeof(version));
		fprintf(stderr, "sonde: Python %s %s: its stacks were not recorded\n", version,
			pyabi_refusal(result->refused_python));
	}
	if (result->refused)
		fputs("sonde: a process was not recorded: there was no room for it in the session, "
		      "or no memory to share\n",
		      stderr);
	if (result->foreign)
		fputs("sonde: a process was not recorded, because it has a PID namespace of its "
		      "own, as "
		      "in a container; run sonde inside it\n",
		      stderr);
	if (result->own_malloc)
		fputs("sonde: a program has a malloc of its own: what that handed out was not "
		      "recorded, "
		      "only what was mapped\n",
		      stderr);
	if (result->replaced)
		fprintf(stderr,
			"sonde: the recording ends where the program ran another one in its place "
			"(exec)%s\n",
			from_start ? ", which did not load the agent"
				   : "; sonde run -- COMMAND follows it");
}

/* What keeps the capture from being all of what happened. */
static void say_problems(const struct recording_result *result, bool from_start)
{
	say_missing(result, from_start);
	if (result->gave_up)
		fputs("sonde: the recording ends before the program does: sonde did not run for so "
		      "long that the program took it for dead\n",
		      stderr);
	if (result->left)
		fprintf(stderr,
			"sonde: the recording ends before %u %s that the program left behind\n",
			result->left, result->left == 1 ? "process" : "processes");
	if (result->damage)
		fprintf(stderr,
			"sonde: %llu records made no sense: the program wrote over them, or this "
			"is a mistake of sonde\n",
			(unsigned long long)result->damage);
	say_lost(result);
}

/* Rounds that came too late are no error of the numbers: time is shared among those that came. */
static void say_rounds(const struct capture_sampling *sampling)
{
	uint64_t asked = sampling->rounds + sampling->rounds_missed;
	char rounds[32], all[32];

	if (sampling->rounds_missed * 50 > asked)
		fprintf(stderr,
			"sonde: sampled %s times instead of %s: the machine is busy, or the rate "
			"more "
			"than it gives\n",
			text_count(sampling->rounds, rounds, sizeof(rounds)),
			text_count(asked, all, sizeof(all)));
}

static void say_sampling(const struct recording_result *result)
{
	const struct capture_sampling *sampling = &result->sampling.sampling;
	char count[32];

	if (result->sampling_error.code)
		fprintf(stderr, "sonde: nothing was sampled: %s\n", result->sampling_error.message);
	say_rounds(sampling);
	if (sampling->failures)
		fprintf(stderr, "sonde: %s samples have no stack: it could not be read\n",
			text_count(sampling->failures, count, sizeof(count)));
	if (sampling->missed + sampling->dropped)
		fprintf(stderr, "sonde: %s samples were lost: too many threads at once\n",
			text_count(sampling->missed + sampling->dropped, count, sizeof(count)));
	if (sampling->processes_unsampled)
		fprintf(stderr,
			"sonde: %s started %s without a sample: no Python ran there, or it was "
			"over too soon\n",
			text_count(sampling->processes_unsampled, count, sizeof(count)),
			sampling->processes_unsampled == 1 ? "process is" : "processes are");
}

void outcome_say_waiting(unsigned processes)
{
	fprintf(stderr,
		"sonde: the program has ended; waiting for %u %s that it left behind (Ctrl-C ends "
		"the "
		"recording now)\n",
		processes, processes == 1 ? "process" : "processes");
}

void outcome_say(const struct recording_result *result, const struct outcome_look *look)
{
	/* The program's status is what counts now, even if nobody reads this. */
	signal(SIGPIPE, SIG_IGN);
	if (result->sampling.sampling.rounds || result->sampling_error.code)
		say_sampling(result);
	if (look->with_agent)
		say_problems(result, look->from_start);
	if (look->quiet || result->gone || (look->with_agent && !result->loaded))
		return;
	if (result->processes || result->sampling.samples)
		say_written(result, look->color);
	else if (look->with_agent && !result->refused && !result->foreign)
		say_empty(result, look->from_start);
}

#include "report/sampling.h"

#include <inttypes.h>

#include "analysis/stats.h"
#include "base/text.h"
#include "report/style.h"
#include "report/threads.h"

static void write_name(const char *name, FILE *out)
{
	fprintf(out, "  %-9s ", name);
}

static void write_rounds(const struct profile *profile, const struct capture_sampling *sampling,
			 FILE *out)
{
	uint64_t asked_ns = reader_start(profile->reader)->sampling_period_ns;
	char text[32];

	write_name("rounds", out);
	fprintf(out, "%s, ", text_count(sampling->rounds, text, sizeof(text)));
	fprintf(out, "about every %s ", text_duration(profile->time.period_ns, text, sizeof(text)));
	fprintf(out, "(%s was asked for)\n", text_duration(asked_ns, text, sizeof(text)));
	write_name("missed", out);
	fprintf(out, "%s %s too late (", text_count(sampling->rounds_missed, text, sizeof(text)),
		sampling->rounds_missed == 1 ? "round was" : "rounds were");
	fprintf(out, "%s)\n",
		text_percent(style_share(sampling->rounds_missed,
					 sampling->rounds + sampling->rounds_missed),
			     text, sizeof(text)));
}

static void write_looks(const struct capture_sampling *sampling, FILE *out)
{
	char text[32];

	write_name("looks", out);
	fprintf(out, "%s at threads, ", text_count(sampling->looks, text, sizeof(text)));
	fprintf(out, "%s of them at one that had not run since the last\n",
		text_count(sampling->unchanged, text, sizeof(text)));
	write_name("reads", out);
	fprintf(out, "%s, ", text_count(sampling->reads, text, sizeof(text)));
	fprintf(out, "%s of a stack that had changed meanwhile\n",
		text_count(sampling->retries, text, sizeof(text)));
	write_name("pauses", out);
	fprintf(out, "%s of one thread, ", text_count(sampling->pauses, text, sizeof(text)));
	fprintf(out, "%s together\n", text_duration(sampling->paused_ns, text, sizeof(text)));
	write_name("failures", out);
	fprintf(out, "%s %s without a stack\n", text_count(sampling->failures, text, sizeof(text)),
		sampling->failures == 1 ? "look" : "looks");
}

static void write_cost(const struct profile *profile, const struct capture_sampling *sampling,
		       FILE *out)
{
	uint64_t lost = stats_samples_lost(profile->reader);
	char text[32];

	write_name("lost", out);
	fprintf(out, "%s %s\n", text_count(lost, text, sizeof(text)),
		lost == 1 ? "sample" : "samples");
	if (sampling->processes_unsampled > 0) {
		write_name("unseen", out);
		fprintf(out, "%s started %s without a sample: no Python, or over too soon\n",
			text_count(sampling->processes_unsampled, text, sizeof(text)),
			sampling->processes_unsampled == 1 ? "process" : "processes");
	}
	write_name("cost", out);
	fprintf(out, "%s of CPU time", text_duration(sampling->cpu_ns, text, sizeof(text)));
	if (sampling->looks > 0)
		fprintf(out, ", %s a look",
			text_duration(sampling->cpu_ns / sampling->looks, text, sizeof(text)));
	putc('\n', out);
}

void sampling_write(const struct profile *profile, const struct report_options *options, FILE *out)
{
	const struct capture_sampling *sampling = reader_sampling(profile->reader);
	char text[32];

	style_title(out, options->color, "Sampling");
	write_name("samples", out);
	fprintf(out, "%s\n", text_count(profile->time.all.samples, text, sizeof(text)));
	if (sampling == NULL)
		return;
	write_rounds(profile, sampling, out);
	write_looks(sampling, out);
	write_cost(profile, sampling, out);
}

void sampling_write_json(const struct profile *profile, struct json *json)
{
	const struct capture_sampling *sampling = reader_sampling(profile->reader);

	json_key_seconds(json, "period_seconds", profile->time.period_ns);
	json_key_seconds(json, "period_asked_seconds",
			 reader_start(profile->reader)->sampling_period_ns);
	if (sampling != NULL) {
		json_key_uint(json, "rounds", sampling->rounds);
		json_key_uint(json, "rounds_missed", sampling->rounds_missed);
		json_key_seconds(json, "sampled_seconds", sampling->sampled_ns);
		json_key_uint(json, "looks", sampling->looks);
		json_key_uint(json, "unchanged", sampling->unchanged);
		json_key_uint(json, "reads", sampling->reads);
		json_key_uint(json, "retries", sampling->retries);
		json_key_uint(json, "pauses", sampling->pauses);
		json_key_seconds(json, "paused_seconds", sampling->paused_ns);
		json_key_uint(json, "failures", sampling->failures);
		json_key_uint(json, "missed", sampling->missed);
		json_key_uint(json, "dropped", sampling->dropped);
		json_key_seconds(json, "cpu_seconds", sampling->cpu_ns);
		json_key_uint(json, "processes_unsampled", sampling->processes_unsampled);
	}
	json_key_uint(json, "samples", profile->time.all.samples);
	threads_write_json_states(&profile->time.all, json);
}

/* What stands above the graph: whose memory or time this is, how much of it, and what to doubt. */

const METRICS = {
    peak: { name: "Peak memory", unit: ["block", "blocks"], text: " alive" },
    leaks: { name: "Memory never released", unit: ["block", "blocks"], text: " alive at the end" },
    temporary: { name: "Temporary memory", unit: ["block", "blocks"], text: "" },
    total: { name: "All memory allocated", unit: ["allocation", "allocations"], text: "" },
    wall: { name: "Wall time of all threads", unit: ["sample", "samples"], text: "" },
    cpu: { name: "CPU time", unit: ["sample", "samples"], text: "" },
    gil: { name: "Time holding the GIL", unit: ["sample", "samples"], text: "" },
};

function metricOf(data) {
    return METRICS[data.metric] || METRICS.total;
}

/* Of two captures: from what to what. */
function headerChange(data) {
    const { diff } = data;
    const unit = unitOf(data);

    if (diff.normalized)
        return `from ${unit.amount(diff.before.amount)} to ${unit.amount(data.amount)}, compared as shares`;
    return `from ${unit.amount(diff.base)} to ${unit.amount(data.amount)}`;
}

/* One sentence on the numbers. */
function headerSummary(data) {
    if (data.diff)
        return headerChange(data);

    const { unit, text: state } = metricOf(data);
    const threshold = data.temporary_threshold;
    let text = `in ${textCount(data.count)}` + (data.count_error ? ` ± ${textCount(data.count_error)}` : "") +
        ` ${unit[data.count === 1 ? 0 : 1]}${state}`;

    if (data.metric === "peak" && data.peak_bytes)
        text += ` after ${textDuration(data.peak_seconds)}`;
    if (data.unit === "ns")
        text += ` of ${textPlural(data.thread_count, "thread", "threads")}`;
    if (data.metric === "temporary")
        text += `, released within ${textPlural(threshold, "further allocation", "further allocations")} of their thread`;
    return text;
}

/* Where two captures come from. */
function headerOrigins(data) {
    return [["Base", data.diff.before], ["New", data.diff.after]].map(([name, { capture, metadata }]) => {
        const python = metadata.processes.map((p) => p.python_version).find(Boolean);

        return [name, [capture, metadata.command_line.join(" "), python && `Python ${python}`,
            textDuration(metadata.duration_seconds)].filter(Boolean).join(", ")];
    });
}

function headerFacts(data) {
    if (data.diff)
        return headerOrigins(data);

    const { metadata } = data;
    const { from_seconds: from, to_seconds: to, duration_seconds: duration } = metadata;
    const versions = [...new Set(metadata.processes.map((p) => p.python_version).filter(Boolean))];
    const facts = [["Command", metadata.command_line.join(" ")]];

    if (versions.length)
        facts.push(["Python", versions.join(", ")]);
    facts.push(["Duration", textDuration(duration)]);
    if (from !== undefined)
        facts.push(["Window", `${textDuration(from)} to ${textDuration(to ?? duration)}`]);
    if (metadata.sampling)
        facts.push(["Sampled", `about every ${textDuration(metadata.sampling.period_seconds)}, ` +
            textPlural(metadata.sampling.rounds, "time", "times")]);
    if (data.metric !== "peak" && data.peak_bytes)
        facts.push(["Peak", `${textBytes(data.peak_bytes)} after ${textDuration(data.peak_seconds)}`]);
    if (metadata.processes.length > 1)
        facts.push(["Processes", textCount(metadata.processes.length)]);
    if (metadata.start_time)
        facts.push(["Started", metadata.start_time.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, " UTC")]);
    if (data.host)
        facts.push(["Host", data.host]);
    return facts;
}

/* What the numbers do not say by themselves, and is no reason to doubt them. */
function headerNotes(data) {
    const { diff } = data;
    const notes = [];

    if (!diff)
        return [...howEstimated(data), ...notesOf(data)];
    if (diff.normalized)
        notes.push(`Base is multiplied by ${Number(diff.scale.toPrecision(4))}, so that both come to the same total.`);
    if (data.estimated)
        notes.push("Estimated from samples; ± is one standard error of the change. " +
            "What is less than two of them may be chance, and is grey.");
    return notes.concat([["Base", diff.before], ["New", diff.after]].flatMap(([name, { metadata }]) =>
        notesOf({ ...data, metadata }).map((text) => `${name}: ${text}`)));
}

function howEstimated(data) {
    const { metadata } = data;
    const notes = [];

    if (data.unit === "ns")
        notes.push("Estimated from samples; ± is one standard error.");
    else if (data.estimated)
        notes.push(`Estimated from a sample, one in ${textBytes(metadata.sample_rate_bytes)}; ± is one standard error.`);
    return notes;
}

function notesOf(data) {
    const { metadata } = data;
    const notes = [];

    if (metadata.sampling?.rounds_missed)
        notes.push(`${textPlural(metadata.sampling.rounds_missed, "round of sampling was", "rounds of sampling were")} ` +
            "too late and left out.");
    if (metadata.filtered_out_count)
        notes.push(`Filters took away ${textBytes(metadata.filtered_out_bytes)} in ` +
            `${textPlural(metadata.filtered_out_count, "block", "blocks")}.`);
    if (metadata.filtered_out_samples)
        notes.push(`Filters took away ${textTime(metadata.filtered_out_seconds * 1e9)} in ` +
            `${textPlural(metadata.filtered_out_samples, "sample", "samples")}.`);
    if (metadata.from_seconds !== undefined && data.unit === "bytes")
        notes.push("Blocks from before the window are not in it.");
    return notes;
}

const LOST_STACKS = "stack unknown";

/* Of two captures, those of each. */
function headerWarnings(data) {
    if (!data.diff)
        return warningsOf(data);
    return [["Base", data.diff.before], ["New", data.diff.after]].flatMap(([name, { metadata }]) =>
        warningsOf({ ...data, metadata, left_out: 0 }).map((text) => `${name}: ${text}`))
        .concat(data.left_out ? `${textPlural(data.left_out, "branch", "branches")} of small frames left out of ` +
            "this page; boxes named <left out> stand for them." : []);
}

/* What makes the numbers less than the whole truth, most serious first. */
function warningsOf(data) {
    const { metadata } = data;
    const { sampling } = metadata;
    const reasons = (data.unit === "bytes" && metadata.lost) || {};
    const lost = Object.entries(reasons).filter(([reason]) => reason !== LOST_STACKS);
    const stackless = reasons[LOST_STACKS];
    const warnings = [];

    if (metadata.damage)
        warnings.push(`The capture is damaged, this is what came before: ${metadata.damage}`);
    else if (!metadata.complete)
        warnings.push(`The capture is incomplete, recording was cut short after ${textDuration(metadata.duration_seconds)}.`);
    if (lost.length)
        warnings.push(`${textPlural(metadata.events_lost, "event was", "events were")} not recorded: ` +
            `${lost.map(([reason, count]) => `${textCount(count)} (${reason})`).join(", ")}.`);
    if (stackless)
        warnings.push(`${textPlural(stackless, "event is", "events are")} without a stack.`);
    if (sampling?.samples_lost)
        warnings.push(`${textPlural(sampling.samples_lost, "sample", "samples")} could not be kept.`);
    if (sampling?.samples_without_stack)
        warnings.push(`${textPlural(sampling.samples_without_stack, "sample has", "samples have")} no stack: ` +
            "it could not be read.");
    if (data.left_out)
        warnings.push(`${textPlural(data.left_out, "branch", "branches")} of small frames left out of this page, ` +
            `${unitOf(data).amount(data.left_out_amount)} together; boxes named <left out> stand for them.`);
    return warnings;
}

function headerAmount(data) {
    const { diff } = data;
    const unit = unitOf(data);

    if (diff?.normalized)
        return unit.amount(data.amount);
    if (diff)
        return changeSentence(unit, diff.base, data.amount, diff.error ** 2);
    return unit.amount(data.amount) + (data.estimated ? textError(unit, data.amount_error ** 2) : "");
}

function headerFill(data) {
    const byId = (id) => document.getElementById(id);
    const facts = byId("facts");
    const warnings = byId("warnings");

    document.title = `${data.title} · ${metricOf(data).name}`;
    byId("title").textContent = data.title;
    byId("metric").textContent = metricOf(data).name;
    byId("amount").textContent = headerAmount(data);
    byId("summary").textContent = headerSummary(data);
    for (const [name, value] of headerFacts(data)) {
        const [pair, term, detail] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));

        term.textContent = name;
        detail.textContent = detail.title = value;
        pair.append(term, detail);
        facts.append(pair);
    }
    for (const text of headerWarnings(data)) {
        const item = document.createElement("li");

        item.textContent = text;
        warnings.append(item);
    }
    warnings.hidden = warnings.children.length === 0;
    byId("notes").textContent = headerNotes(data).join(" ");
}

/* What stands above the graph: whose memory this is, how much of it, and what to doubt. */

const METRICS = {
    peak: { name: "Peak memory", unit: ["allocation alive", "allocations alive"] },
    leaks: { name: "Memory never released", unit: ["allocation", "allocations"] },
    temporary: { name: "Temporary memory", unit: ["allocation", "allocations"] },
    total: { name: "All memory allocated", unit: ["allocation", "allocations"] },
};

function metricOf(data) {
    return METRICS[data.metric] || METRICS.total;
}

function headerError(data) {
    return data.estimated ? ` ± ${textBytes(data.bytes_error)}` : "";
}

/* One sentence on the numbers. */
function headerSummary(data) {
    const { unit } = metricOf(data);
    let text = `in ${textPlural(data.count, ...unit)}`;

    if (data.estimated)
        text += ` ± ${textCount(data.count_error)}`;
    if (data.metric === "peak" && data.peak_time_seconds !== null)
        text += `, reached after ${textDuration(data.peak_time_seconds)}`;
    if (data.metric === "temporary")
        text += data.temporary_threshold === 0 ? ", released before their thread's next allocation" :
            `, released within ${textPlural(data.temporary_threshold, "further allocation", "further allocations")} of their thread`;
    if (data.estimated)
        text += ` (estimated from samples of one in ${textBytes(data.sample_rate_bytes)}; ± is the standard error)`;
    return text;
}

function headerFacts(data) {
    const facts = [["Command", data.command_line.join(" ")]];

    if (data.python_versions.length)
        facts.push(["Python", data.python_versions.join(", ")]);
    facts.push(["Duration", textDuration(data.duration_seconds)]);
    if (data.window)
        facts.push(["Window", `${textDuration(data.window[0])} to ${textDuration(data.window[1])}`]);
    if (data.metric !== "peak" && data.peak_bytes)
        facts.push(["Peak", `${textBytes(data.peak_bytes)} after ${textDuration(data.peak_time_seconds)}`]);
    if (data.processes.length > 1)
        facts.push(["Processes", textCount(data.processes.length)]);
    if (data.start_time)
        facts.push(["Started", data.start_time.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")]);
    if (data.host)
        facts.push(["Host", data.host]);
    return facts;
}

const LOST_REASONS = {
    full: "the program allocated faster than it could be recorded",
    reentrant: "made by a signal handler inside the tracer",
    stack: "kept, but without their stack",
    sampled: "sampled, but could not be followed",
    threads: "more threads at once than there was room for",
};

/* What makes the numbers less than the whole truth, most serious first. */
function headerWarnings(data) {
    const warnings = [];

    if (data.damage)
        warnings.push(`The capture is damaged: ${data.damage}. What comes before the damage is shown.`);
    else if (!data.complete)
        warnings.push("The recording was cut off: what happened after its last saved part is missing.");
    for (const { reason, count } of data.lost)
        warnings.push(`${textPlural(count, "event", "events")} lost: ${LOST_REASONS[reason] || reason}.`);
    if (data.left_out_nodes)
        warnings.push(`${textPlural(data.left_out_nodes, "small frame", "small frames")} left out of this page ` +
            `(${textBytes(data.left_out_bytes)}); they are counted in their callers.`);
    return warnings;
}

function headerFill(data) {
    const byId = (id) => document.getElementById(id);
    const facts = byId("facts");
    const warnings = byId("warnings");

    document.title = `${data.title} · ${metricOf(data).name}`;
    byId("title").textContent = data.title;
    byId("metric").textContent = metricOf(data).name;
    byId("amount").textContent = textBytes(data.bytes) + headerError(data);
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
    if (data.hidden_bytes || data.hidden_count) {
        byId("filtered").textContent = `Filters took away ${textBytes(data.hidden_bytes)} in ` +
            `${textPlural(data.hidden_count, "allocation", "allocations")}.`;
        byId("filtered").hidden = false;
    }
}

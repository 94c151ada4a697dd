/* Memory over time: the traced heap as an area, RSS as a line, a mark at the peak. */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function svgElement(name, attributes, text) {
    const element = document.createElementNS(SVG_NAMESPACE, name);

    for (const [key, value] of Object.entries(attributes))
        element.setAttribute(key, value);
    if (text !== undefined)
        element.textContent = text;
    return element;
}

/* Points "x,y" of a series in a box of 1000 x 100, highest at the top; null has none. */
function timelinePoints(seconds, values, duration, highest) {
    const points = values.map((value, i) => value === null ? "" :
        `${(1000 * seconds[i] / duration).toFixed(1)},${(100 - 100 * value / highest).toFixed(1)}`);

    return points.filter(Boolean);
}

/* RSS is looked at now and then: a bin without a look is 0, and knows what the one before knew. */
function timelineKnown(values) {
    let known = null;

    return values.map((value) => {
        known = value || known;
        return known;
    });
}

/* The bin that a moment falls into. */
function timelineIndex(seconds, moment) {
    const found = seconds.findIndex((end) => end >= moment);

    return found < 0 ? seconds.length - 1 : found;
}

class Timeline {
    constructor(figure, data) {
        const { seconds, heap, rss } = data.timeline;
        const { from_seconds: from = 0, to_seconds: to, duration_seconds: duration } = data.metadata;

        this.seconds = seconds;
        this.heap = heap.some((v) => v > 0) ? heap : [];
        this.rss = rss.some((v) => v > 0) ? rss : [];
        this.known = timelineKnown(this.rss);
        this.from = from;
        this.duration = Math.max((to ?? duration) - from, (seconds[seconds.length - 1] || 0) - from);
        this.highest = [...this.heap, ...this.rss].reduce((a, b) => Math.max(a, b), 0);
        this.caption = figure.querySelector("figcaption");
        if (seconds.length < 2 || !this.highest || !this.duration)
            return;
        figure.hidden = false;
        this.plot = figure.querySelector(".plot");
        this.draw(data);
        this.plot.addEventListener("pointermove", (event) => this.point(event));
        this.plot.addEventListener("pointerleave", () => this.leave());
    }

    line(values) {
        return "M" + timelinePoints(this.seconds.map((s) => s - this.from), values, this.duration,
            this.highest).join("L");
    }

    hasPeak(data) {
        return this.heap.length > 0 && data.peak_bytes > 0;
    }

    draw(data) {
        const { heap, rss, duration, highest } = this;
        const svg = svgElement("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img" });
        const when = `peak after ${textDuration(data.peak_seconds)}`;
        let label = "Memory over time.";

        if (heap.length) {
            const line = this.line(heap);

            svg.append(svgElement("path", { class: "heap", d: `${line}L1000,100L${line.slice(1).split(",")[0]},100Z` }));
            svg.append(svgElement("path", { class: "heap-line", d: line }));
        }
        if (rss.length) {
            svg.append(svgElement("path", { class: "rss", d: this.line(rss.map((v) => v || null)) }));
            label += ` Highest RSS ${textBytes(rss.reduce((a, b) => Math.max(a, b), 0))}.`;
        }
        if (this.hasPeak(data)) {
            const x = (1000 * (data.peak_seconds - this.from) / duration).toFixed(1);

            svg.append(svgElement("line", { class: "peak", x1: x, x2: x, y1: 0, y2: 100 }));
            label += ` Heap ${textBytes(data.peak_bytes)}, ${when}.`;
        }
        svg.setAttribute("aria-label", label);
        this.cursor = svgElement("line", { class: "cursor", y1: 0, y2: 100, visibility: "hidden" });
        svg.append(this.cursor);
        this.plot.prepend(svg);
        this.plot.querySelector(".scale").textContent = textBytes(highest);
        this.caption.querySelector("[data-series=heap]").hidden = heap.length === 0;
        this.caption.querySelector("[data-series=rss]").hidden = rss.length === 0;
        this.text = this.caption.querySelector(".when");
        this.restText = this.hasPeak(data) ? when : `over ${textDuration(duration)}`;
        this.text.textContent = this.restText;
    }

    point(event) {
        const box = this.plot.getBoundingClientRect();
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        const i = timelineIndex(this.seconds, this.from + share * this.duration);

        this.say("heap", this.heap.length ? ` ${textBytes(this.heap[i])}` : "");
        this.say("rss", this.known[i] ? ` ${textBytes(this.known[i])}` : "");
        this.text.textContent = `at ${textDuration(this.seconds[i])}`;
        this.cursor.setAttribute("x1", 1000 * share);
        this.cursor.setAttribute("x2", 1000 * share);
        this.cursor.setAttribute("visibility", "visible");
    }

    say(series, value) {
        this.caption.querySelector(`[data-series=${series}] b`).textContent = value;
    }

    leave() {
        this.say("heap", "");
        this.say("rss", "");
        this.cursor.setAttribute("visibility", "hidden");
        this.text.textContent = this.restText;
    }
}

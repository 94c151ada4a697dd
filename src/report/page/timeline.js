/*
 * Over time: the traced heap as an area, RSS as a line, a mark at the peak; or as an area how many
 * threads counted.
 */

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

/* A series that holds for its bins as a whole: each at its begin and its end. */
function timelineSteps(seconds, values, from) {
    return {
        seconds: seconds.flatMap((end, i) => [i ? seconds[i - 1] : from, end]),
        values: values.flatMap((value) => [value, value]),
    };
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
        const { seconds, heap = [], rss = [], threads = [] } = data.timeline;
        const { from_seconds: from = 0, to_seconds: to, duration_seconds: duration } = data.metadata;
        const area = data.unit === "ns" ? threads : heap;

        this.seconds = seconds;
        this.value = data.unit === "ns" ? (threads) => threads.toFixed(1) : textBytes;
        this.area = area.some((v) => v > 0) ? area : [];
        this.rss = rss.some((v) => v > 0) ? rss : [];
        this.known = timelineKnown(this.rss);
        this.from = from;
        this.duration = Math.max((to ?? duration) - from, (seconds[seconds.length - 1] || 0) - from);
        this.highest = [...this.area, ...this.rss].reduce((a, b) => Math.max(a, b), 0);
        this.caption = figure.querySelector("figcaption");
        if (seconds.length < 2 || !this.highest || !this.duration)
            return;
        figure.hidden = false;
        this.plot = figure.querySelector(".plot");
        this.draw(data);
        this.plot.addEventListener("pointermove", (event) => this.point(event));
        this.plot.addEventListener("pointerleave", () => this.leave());
    }

    line(seconds, values) {
        return "M" + timelinePoints(seconds.map((s) => s - this.from), values, this.duration,
            this.highest).join("L");
    }

    areaLine(data) {
        const steps = timelineSteps(this.seconds, this.area, this.from);

        return data.unit === "ns" ? this.line(steps.seconds, steps.values) : this.line(this.seconds, this.area);
    }

    hasPeak(data) {
        return data.unit === "bytes" && this.area.length > 0 && data.peak_bytes > 0;
    }

    draw(data) {
        const { area, rss, duration, highest } = this;
        const svg = svgElement("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img" });
        const when = `peak after ${textDuration(data.peak_seconds)}`;
        let label = data.unit === "ns" ? `Threads over time, ${this.value(highest)} at most.` : "Memory over time.";

        if (area.length) {
            const line = this.areaLine(data);
            const end = line.slice(line.lastIndexOf("L") + 1).split(",")[0];

            svg.append(svgElement("path", { class: "heap", d: `${line}L${end},100L${line.slice(1).split(",")[0]},100Z` }));
            svg.append(svgElement("path", { class: "heap-line", d: line }));
        }
        if (rss.length) {
            svg.append(svgElement("path", { class: "rss", d: this.line(this.seconds, rss.map((v) => v || null)) }));
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
        this.plot.querySelector(".scale").textContent = this.value(highest);
        this.caption.querySelector("[data-series=area] span").textContent = data.unit === "ns" ? "Threads" : "Heap";
        this.caption.querySelector("[data-series=area]").hidden = area.length === 0;
        this.caption.querySelector("[data-series=rss]").hidden = rss.length === 0;
        this.text = this.caption.querySelector(".when");
        this.restText = this.hasPeak(data) ? when : `over ${textDuration(duration)}`;
        this.text.textContent = this.restText;
    }

    point(event) {
        const box = this.plot.getBoundingClientRect();
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        const i = timelineIndex(this.seconds, this.from + share * this.duration);
        const value = this.area[i];

        this.say("area", value === undefined || value === null ? "" : ` ${this.value(value)}`);
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
        this.say("area", "");
        this.say("rss", "");
        this.cursor.setAttribute("visibility", "hidden");
        this.text.textContent = this.restText;
    }
}

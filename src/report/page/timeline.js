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

/* Points "x,y" of a series in a box of 1000 x 100, highest at the top. */
function timelinePoints(seconds, values, duration, highest) {
    return values.map((value, i) =>
        `${(1000 * seconds[i] / duration).toFixed(1)},${(100 - 100 * value / highest).toFixed(1)}`);
}

/* The bin that a moment falls into. */
function timelineIndex(seconds, moment) {
    const found = seconds.findIndex((end) => end >= moment);

    return found < 0 ? seconds.length - 1 : found;
}

class Timeline {
    constructor(figure, data) {
        const { seconds, heap, rss } = data.timeline;

        this.seconds = seconds;
        this.heap = heap.some((v) => v > 0) ? heap : [];
        this.rss = rss.some((v) => v > 0) ? rss : [];
        this.duration = Math.max(data.duration_seconds, seconds[seconds.length - 1] || 0);
        this.highest = [...this.heap, ...this.rss].reduce((a, b) => Math.max(a, b), 0);
        this.caption = figure.querySelector("figcaption");
        if (seconds.length < 2 || !this.highest || !this.duration)
            return;
        figure.hidden = false;
        this.plot = figure.querySelector(".plot");
        this.draw(data);
        this.rest = this.caption.textContent;
        this.plot.addEventListener("pointermove", (event) => this.point(event));
        this.plot.addEventListener("pointerleave", () => this.leave());
    }

    draw(data) {
        const { seconds, heap, rss, duration, highest } = this;
        const svg = svgElement("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img" });
        const parts = [];
        let label = "Memory over time.";

        if (heap.length) {
            const points = timelinePoints(seconds, heap, duration, highest);

            svg.append(svgElement("path", { class: "heap", d: `M0,100L${points.join("L")}L1000,100Z` }));
            svg.append(svgElement("path", { class: "heap-line", d: `M${points.join("L")}` }));
            parts.push("heap");
        }
        if (rss.length) {
            const known = rss.findIndex((v) => v > 0);
            const points = timelinePoints(seconds, rss, duration, highest).slice(known);

            svg.append(svgElement("path", { class: "rss", d: `M${points.join("L")}` }));
            label += ` Highest RSS ${textBytes(rss.reduce((a, b) => Math.max(a, b), 0))}.`;
            parts.push("RSS");
        }
        if (heap.length && data.peak_bytes) {
            const x = (1000 * data.peak_time_seconds / duration).toFixed(1);

            svg.append(svgElement("line", { class: "peak", x1: x, x2: x, y1: 0, y2: 100 }));
            label += ` Peak of the heap ${textBytes(data.peak_bytes)}, after ${textDuration(data.peak_time_seconds)}.`;
        }
        svg.setAttribute("aria-label", label);
        this.cursor = svgElement("line", { class: "cursor", x1: 0, x2: 0, y1: 0, y2: 100 });
        this.cursor.setAttribute("visibility", "hidden");
        svg.append(this.cursor);
        this.plot.prepend(svg);
        this.plot.querySelector(".scale").textContent = textBytes(highest);
        for (const key of this.caption.querySelectorAll("[data-series]"))
            key.hidden = !parts.includes(key.dataset.series);
        this.text = this.caption.querySelector(".when");
        this.text.textContent = heap.length && data.peak_bytes ?
            `peak after ${textDuration(data.peak_time_seconds)}` : `over ${textDuration(duration)}`;
        this.restText = this.text.textContent;
    }

    point(event) {
        const box = this.plot.getBoundingClientRect();
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        const i = timelineIndex(this.seconds, share * this.duration);
        const words = [`at ${textDuration(this.seconds[i])}`];

        if (this.heap.length)
            words.push(`heap ${textBytes(this.heap[i])}`);
        if (this.rss.length)
            words.push(`RSS ${textBytes(this.rss[i])}`);
        this.cursor.setAttribute("x1", 1000 * share);
        this.cursor.setAttribute("x2", 1000 * share);
        this.cursor.setAttribute("visibility", "visible");
        this.text.textContent = words.join(" · ");
    }

    leave() {
        this.cursor.setAttribute("visibility", "hidden");
        this.text.textContent = this.restText;
    }
}

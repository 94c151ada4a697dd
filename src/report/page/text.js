/* Numbers and names as people read them, in the same words as the program's other reports. */

const NO_BREAK = "\u00a0";

function textBytes(bytes) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = 0;
    let value = bytes;

    if (bytes < 1024)
        return Math.round(bytes) + NO_BREAK + "B";
    while (value >= 1023.95 && unit < units.length - 1) {
        value /= 1024;
        unit++;
    }
    return value.toFixed(1) + NO_BREAK + units[unit];
}

/* Above 2^53 a browser no longer knows the last digits: it says so by rounding. */
function textCount(count) {
    if (count > Number.MAX_SAFE_INTEGER)
        return "about " + count.toExponential(2);
    return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

function textPercent(share) {
    if (!Number.isFinite(share))
        return "-";
    if (share > 0 && share < 0.0005)
        return "<0.1" + NO_BREAK + "%";
    return (share * 100).toFixed(1) + NO_BREAK + "%";
}

function textDuration(seconds) {
    const whole = Math.round(seconds);

    if (seconds < 1e-6)
        return Math.round(seconds * 1e9) + NO_BREAK + "ns";
    if (seconds < 0.00099995)
        return (seconds * 1e6).toFixed(1) + NO_BREAK + "µs";
    if (seconds < 0.99995)
        return (seconds * 1e3).toFixed(1) + NO_BREAK + "ms";
    if (seconds < 59.95)
        return seconds.toFixed(1) + NO_BREAK + "s";
    if (whole < 3600)
        return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
    return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
}

/* An amount of time: one above the other they can be compared, so seconds go on. */
function textTime(ns) {
    const seconds = ns / 1e9;

    if (ns === 0)
        return `0${NO_BREAK}s`;
    if (seconds >= 0.99995 && seconds < 9.995)
        return seconds.toFixed(2) + NO_BREAK + "s";
    if (seconds < 59.95)
        return textDuration(seconds);
    return textCount(Math.floor(Math.round(seconds * 10) / 10)) + "." + Math.round(seconds * 10) % 10 + NO_BREAK + "s";
}

/* What amounts and counts are, by data.unit. */
const UNITS = {
    bytes: { amount: textBytes, count: ["allocation", "allocations"], counts: "Allocations", own: "Allocated by" },
    ns: { amount: textTime, count: ["sample", "samples"], counts: "Samples", own: "Spent in" },
};

function unitOf(data) {
    return UNITS[data.unit];
}

/* What stands behind an estimate: its standard error; nothing behind an exact number. */
function textError(unit, variance) {
    return variance > 0 ? ` ± ${unit.amount(Math.sqrt(variance))}` : "";
}

function textPlural(count, one, many) {
    return textCount(count) + " " + (count === 1 ? one : many);
}

/* The end of a path tells more than its beginning. */
function textFileName(path) {
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);

    if (path.startsWith("<frozen ") && path.endsWith(">"))
        return path.slice(8, -1);
    if (name !== "__init__.py" && name !== "__main__.py")
        return name || path;
    return path.slice(path.lastIndexOf("/", slash - 1) + 1);
}

/*
 * Cuts texts to a width in pixels. Measuring on a canvas is slow, so ASCII is summed from a table
 * and other texts are measured once.
 */
class TextRuler {
    constructor(measure) {
        this.measure = measure;
        this.ascii = new Float64Array(128);
        for (let c = 32; c < 127; c++)
            this.ascii[c] = measure(String.fromCharCode(c));
        this.ellipsis = measure("…");
        this.others = new Map();
    }

    character(text, at) {
        const code = text.charCodeAt(at);
        let width;

        if (code < 128)
            return this.ascii[code];
        width = this.others.get(code);
        if (width === undefined) {
            width = this.measure(text.charAt(at));
            this.others.set(code, width);
        }
        return width;
    }

    width(text) {
        let sum = 0;

        for (let i = 0; i < text.length; i++)
            sum += this.character(text, i);
        return sum;
    }

    /* "" when not even a letter and an ellipsis fit. */
    cut(text, pixels) {
        let sum = 0;
        let fits = 0; /* characters that leave room for the ellipsis */

        for (let i = 0; i < text.length; i++) {
            sum += this.character(text, i);
            if (sum + this.ellipsis <= pixels)
                fits = i + 1;
            else if (sum > pixels)
                return this.cutBehind(text, fits);
        }
        return text;
    }

    cutBehind(text, fits) {
        const last = text.charCodeAt(fits - 1);

        if (last >= 0xd800 && last < 0xdc00)
            fits--; /* half of a surrogate pair */
        return fits > 0 ? text.slice(0, fits) + "…" : "";
    }
}

/*
 * The frames of the page: who they are, how they are called and coloured. Threads stand behind
 * them, so that a tree can hold both. A key is what equal boxes share: the frame, or its function
 * when lines are merged.
 */

const THREAD_KIND = 4;

class Frames {
    constructor(data) {
        this.data = data;
        this.codeCount = data.functions.length;
        this.count = this.codeCount + data.threads.length;
        this.isThread = new Uint8Array(this.count).fill(1, this.codeCount);
        this.category = new Uint8Array(this.count).fill(OTHER, this.codeCount);
        for (let i = 0; i < this.codeCount; i++)
            this.category[i] = categoryOf(data.kinds[i], this.file(i));
        this.identity = Int32Array.from({ length: this.count }, (_, i) => i);
        this.mergeLines();
        this.colors = {};
    }

    /* functionOf: frame -> function; frameOf: function -> its first frame. */
    mergeLines() {
        const { data } = this;
        const known = new Map();
        const frameOf = [];

        this.functionOf = new Int32Array(this.count);
        for (let i = 0; i < this.count; i++) {
            const name = i < this.codeCount ?
                (data.functions[i] * data.strings.length + data.files[i]) * 4 + data.kinds[i] : -1 - i;
            let key = known.get(name);

            if (key === undefined) {
                key = frameOf.length;
                known.set(name, key);
                frameOf.push(i);
            }
            this.functionOf[i] = key;
        }
        this.frameOf = Int32Array.from(frameOf);
    }

    name(i) {
        const { data } = this;

        return i < this.codeCount ? data.strings[data.functions[i]] : this.threadName(i - this.codeCount);
    }

    threadName(thread) {
        const { name, tid, pid } = this.data.threads[thread];
        const where = this.data.metadata.processes.length > 1 ? `${pid}/${tid}` : tid;

        return name ? `${name} (thread ${where})` : `thread ${where}`;
    }

    file(i) {
        return i < this.codeCount ? this.data.strings[this.data.files[i]] : "";
    }

    line(i) {
        return i < this.codeCount ? this.data.lines[i] : 0;
    }

    kind(i) {
        return i < this.codeCount ? this.data.kinds[i] : THREAD_KIND;
    }

    /* The text of its source line, "" when it was not to be had. */
    sourceLine(i) {
        return i < this.codeCount ? this.data.strings[this.data.sources[i]] : "";
    }

    place(i, withLine) {
        const file = this.file(i);

        return file && withLine && this.line(i) ? `${file}:${this.line(i)}` : file;
    }

    shortPlace(i, withLine) {
        const file = textFileName(this.file(i));

        return file && withLine && this.line(i) ? `${file}:${this.line(i)}` : file;
    }

    /* Per frame { box, faded } as CSS colours; faded is for what is left of a zoom. */
    palette(theme) {
        if (!this.colors[theme]) {
            const { page } = THEMES[theme];
            const known = new Map();

            this.colors[theme] = Array.from({ length: this.count }, (_, i) => {
                const key = this.functionOf[i];
                const group = hueGroupOf(this.category[i], this.file(i));

                if (!known.has(key)) {
                    const box = boxColor(theme, this.category[i], group, this.name(i));
                    const faded = box.map((v, c) => Math.round(v * 0.45 + page[c] * 0.55));

                    known.set(key, { box: cssColor(box), faded: cssColor(faded) });
                }
                return known.get(key);
            });
        }
        return this.colors[theme];
    }
}

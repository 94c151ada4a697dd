/*
 * The tree as recorded (Source), as people look at it (View) and as it fits on the screen (Layout).
 * Nothing here touches the document.
 *
 * Source: nodes in preorder, node 0 the root, so the subtree of node i is [i, end[i]). `frame` is
 * an index into the page's frames, threads behind them; -1 for the root.
 *
 * View: made of a source by choices (who calls whom or the reverse, lines merged or not, frames
 * hidden, threads). A view node stands for many source nodes, its members, and gets its children
 * when somebody first looks at them: expanding everything would cost O(nodes x depth) when
 * inverted. Members live in one pool; the children of a view node share out the range of its own.
 *
 * Widths and positions are in units of the chosen weight (amounts or counts), never in pixels.
 */

function decodeBase64(text) {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);

    for (let i = 0; i < bytes.length; i++)
        bytes[i] = binary.charCodeAt(i);
    return bytes;
}

async function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));

    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/*
 * Columns of LEB128 numbers, in each the nodes in preorder: how many levels up from the node before
 * lies the parent; the frame plus one (0: the root); own amount; own count. Estimates have a fifth:
 * the standard error of the own amount. Its square, the variance, is what adds up. Amounts are bytes
 * or ns, counts those of blocks or samples. Where two captures are compared, amounts and counts are
 * those of the new one, errors those of the change, and a last column holds own amounts of the base.
 */
function decodeSource(bytes, count, estimated = false, compared = false) {
    const source = {
        count,
        parent: new Int32Array(count),
        end: new Int32Array(count),
        frame: new Int32Array(count),
        ownAmount: new Float64Array(count),
        ownCount: new Float64Array(count),
        amounts: new Float64Array(count),
        counts: new Float64Array(count),
        ownVariance: new Float64Array(estimated ? count : 0),
        variance: new Float64Array(estimated ? count : 0),
        ownBase: new Float64Array(compared ? count : 0),
        bases: new Float64Array(compared ? count : 0),
        maxDepth: 0,
    };
    let at = 0;

    function number() {
        let value = bytes[at] & 0x7f;
        let scale = 128;

        while (bytes[at++] & 0x80) {
            value += (bytes[at] & 0x7f) * scale;
            scale *= 128;
        }
        return value;
    }

    for (let i = 0, depth = 0; i < count; i++) {
        let up = number();
        let parent = i - 1;

        depth += i ? 1 - up : 0;
        while (up-- > 0)
            parent = source.parent[parent];
        source.parent[i] = Math.max(parent, 0);
        source.end[i] = i + 1;
        source.maxDepth = Math.max(source.maxDepth, depth);
    }
    for (let i = 0; i < count; i++)
        source.frame[i] = number() - 1;
    for (let i = 0; i < count; i++)
        source.amounts[i] = source.ownAmount[i] = number();
    for (let i = 0; i < count; i++)
        source.counts[i] = source.ownCount[i] = number();
    for (let i = 0; estimated && i < count; i++)
        source.variance[i] = source.ownVariance[i] = number() ** 2;
    for (let i = 0; compared && i < count; i++)
        source.bases[i] = source.ownBase[i] = number();
    for (let i = count - 1; i > 0; i--) {
        const parent = source.parent[i];

        source.amounts[parent] += source.amounts[i];
        source.counts[parent] += source.counts[i];
        if (estimated)
            source.variance[parent] += source.variance[i];
        if (compared)
            source.bases[parent] += source.bases[i];
        source.end[parent] = Math.max(source.end[parent], source.end[i]);
    }
    return source;
}

const MERGED_THREADS = -1;
const SPLIT_THREADS = -2;

/*
 * options:
 *   keys, keyCount   per frame the key that equal nodes share (the frame or its function)
 *   hidden           per frame: 1 leaves it out, its callees move up to its caller
 *   isThread         per frame: 1 for a thread
 *   top              source node to begin at: 0, or a thread
 *   inverted         first who allocated, below it who called
 *   byCount          widths are counts, else amounts
 *   byBase           or the base's amounts
 */
class View {
    constructor(source, options) {
        this.source = source;
        this.options = options;
        this.groupOf = new Int32Array(options.keyCount);
        this.capacity = 0;
        this.count = 0;
        this.grow(1024);
        this.settle();
        if (options.inverted)
            this.gatherLeaves();
        else
            this.gatherTop();
        this.weigh();
    }

    /* What widths are. */
    weigh() {
        const { byCount, byBase } = this.options;

        this.weight = byBase ? this.bases : byCount ? this.counts : this.amounts;
    }

    groupWeight(group) {
        const { byCount, byBase } = this.options;

        return byBase ? group.base : byCount ? group.count : group.amount;
    }

    grow(capacity) {
        const kinds = {
            key: Int32Array, parent: Int32Array, first: Int32Array, children: Int32Array,
            depth: Int32Array, from: Int32Array, to: Int32Array, left: Float64Array,
            amounts: Float64Array, counts: Float64Array, ownAmount: Float64Array,
            ownCount: Float64Array,
        };

        if (this.source.variance.length)
            kinds.variance = Float64Array;
        if (this.source.bases.length)
            kinds.bases = kinds.ownBase = Float64Array;

        for (const [name, Kind] of Object.entries(kinds)) {
            const wider = new Kind(capacity);

            if (this[name])
                wider.set(this[name]);
            this[name] = wider;
        }
        this.weigh();
        this.capacity = capacity;
    }

    isHidden(node) {
        const frame = this.source.frame[node];

        return frame >= 0 && this.options.hidden[frame] === 1;
    }

    /* What hidden frames allocated belongs to the nearest frame above that is shown. */
    settle() {
        const { source } = this;
        const { top } = this.options;

        this.ownAmountOf = source.ownAmount;
        this.ownCountOf = source.ownCount;
        this.ownVarianceOf = source.ownVariance;
        this.ownBaseOf = source.ownBase;
        this.end = source.end[top];
        if (!this.options.hidden.includes(1))
            return;
        this.ownAmountOf = source.ownAmount.slice();
        this.ownCountOf = source.ownCount.slice();
        this.ownVarianceOf = source.ownVariance.slice();
        this.ownBaseOf = source.ownBase.slice();
        for (let i = this.end - 1; i > top; i--) {
            if (!this.isHidden(i))
                continue;
            this.ownAmountOf[source.parent[i]] += this.ownAmountOf[i];
            this.ownCountOf[source.parent[i]] += this.ownCountOf[i];
            if (this.variance)
                this.ownVarianceOf[source.parent[i]] += this.ownVarianceOf[i];
            if (this.bases)
                this.ownBaseOf[source.parent[i]] += this.ownBaseOf[i];
        }
    }

    add(key, parent, depth, left) {
        const v = this.count++;

        if (v === this.capacity)
            this.grow(this.capacity * 2);
        this.key[v] = key;
        this.parent[v] = parent;
        this.depth[v] = depth;
        this.left[v] = left;
        this.first[v] = 0;
        this.children[v] = -1; /* not expanded yet */
        return v;
    }

    addTop(ownAmount, ownCount) {
        const { top } = this.options;

        this.add(-1, 0, 0, 0);
        this.from[0] = 0;
        this.amounts[0] = this.source.amounts[top];
        this.counts[0] = this.source.counts[top];
        this.ownAmount[0] = ownAmount;
        this.ownCount[0] = ownCount;
        if (this.variance)
            this.variance[0] = this.source.variance[top];
        if (this.bases) {
            this.bases[0] = this.source.bases[top];
            this.ownBase[0] = this.ownBaseOf[top];
        }
    }

    gatherTop() {
        const { top } = this.options;

        this.pool = new Int32Array(this.end - top);
        this.pool[0] = top;
        this.poolUsed = 1;
        this.addTop(this.ownAmountOf[top], this.ownCountOf[top]);
        this.to[0] = 1;
    }

    /*
     * Members are the nodes that allocated; `cursor` says which frame of their stack their view
     * node shows. Where threads are shown they come first: thread, who allocated, who called.
     */
    gatherLeaves() {
        const { source, ownAmountOf, ownCountOf } = this;
        const { top, isThread } = this.options;
        const leaves = [];

        this.up = new Int32Array(this.end - top); /* nearest caller that is shown, or top */
        this.threadOf = new Int32Array(this.end - top); /* 0: no thread is shown */
        for (let i = top + 1; i < this.end; i++) {
            const parent = source.parent[i];
            const hidden = this.isHidden(i);
            const caller = parent !== top && this.isHidden(parent) ? this.up[parent - top] : parent;
            const thread = this.threadOf[parent - top];

            this.threadOf[i - top] = isThread[source.frame[i]] && !hidden ? i : thread;
            this.up[i - top] = caller === thread ? top : caller;
            if (!hidden && (ownAmountOf[i] || ownCountOf[i] || this.ownBaseOf[i]))
                leaves.push(i);
        }
        this.leaf = Int32Array.from(leaves);
        this.cursor = new Int32Array(leaves.length);
        this.scratch = new Int32Array(leaves.length * 2);
        this.addTop(ownAmountOf[top], ownCountOf[top]);
        this.to[0] = leaves.length;
    }

    expand(v) {
        if (this.children[v] >= 0)
            return;
        if (this.options.inverted)
            this.expandCallers(v);
        else
            this.expandCallees(v);
    }

    /* Sorts groups, heaviest first, into view nodes below v. */
    addGroups(v, groups) {
        let left = this.left[v];

        if (groups.length > 1)
            groups.sort((a, b) => this.groupWeight(b) - this.groupWeight(a) ||
                b.amount - a.amount || a.key - b.key);
        this.first[v] = this.count;
        this.children[v] = groups.length;
        for (const group of groups) {
            const child = this.add(group.key, v, this.depth[v] + 1, left);

            this.amounts[child] = group.amount;
            this.counts[child] = group.count;
            this.ownAmount[child] = group.ownAmount;
            this.ownCount[child] = group.ownCount;
            if (this.variance)
                this.variance[child] = group.variance;
            if (this.bases) {
                this.bases[child] = group.base;
                this.ownBase[child] = group.ownBase;
            }
            this.from[child] = this.to[child] = group.at;
            left += this.groupWeight(group);
        }
        for (let i = 0; i < groups.length; i++)
            this.groupOf[groups[i].key] = 0;
    }

    group(groups, key) {
        const known = this.groupOf[key];

        if (known)
            return groups[known - 1];
        groups.push({ key, members: 0, amount: 0, count: 0, ownAmount: 0, ownCount: 0,
            variance: 0, base: 0, ownBase: 0, at: 0 });
        this.groupOf[key] = groups.length;
        return groups[groups.length - 1];
    }

    /* All groups were counted: gives each its part of the pool, in the order it will have there. */
    static place(groups, at) {
        for (const group of groups) {
            group.at = at;
            at += group.members;
        }
        return at;
    }

    expandCallees(v) {
        const { source, pool } = this;
        const { keys } = this.options;
        const groups = [];
        const found = [];

        for (let m = this.from[v]; m < this.to[v]; m++) {
            const stop = source.end[pool[m]];

            for (let child = pool[m] + 1; child < stop;) {
                if (this.isHidden(child)) {
                    child++;
                    continue;
                }
                const group = this.group(groups, keys[source.frame[child]]);

                group.members++;
                group.amount += source.amounts[child];
                group.count += source.counts[child];
                group.ownAmount += this.ownAmountOf[child];
                group.ownCount += this.ownCountOf[child];
                group.variance += source.variance[child] ?? 0;
                group.base += source.bases[child] ?? 0;
                group.ownBase += this.ownBaseOf[child] ?? 0;
                found.push(child);
                child = source.end[child];
            }
        }
        this.poolUsed = View.place(groups, this.poolUsed);
        const places = groups.map((group) => group.at);
        for (const child of found)
            pool[places[this.groupOf[keys[source.frame[child]]] - 1]++] = child;
        this.addGroups(v, groups);
        this.closeRanges(v, groups);
    }

    closeRanges(v, groups) {
        for (let i = 0; i < groups.length; i++)
            this.to[this.first[v] + i] = groups[i].at + groups[i].members;
    }

    /* Where a member of v goes on to: a source node, or -1 when its stack ends here. */
    nextCaller(v, m) {
        const { top } = this.options;
        const leaf = this.leaf[m];
        const thread = this.threadOf[leaf - top];
        let next;

        if (v === 0)
            next = thread || leaf;
        else if (this.cursor[m] === thread)
            next = leaf === thread ? top : leaf;
        else
            next = this.up[this.cursor[m] - top];
        return next === top ? -1 : next;
    }

    expandCallers(v) {
        const { leaf, cursor, scratch, source, ownAmountOf, ownCountOf } = this;
        const { keys } = this.options;
        const from = this.from[v];
        const to = this.to[v];
        const groups = [];
        let ended = 0;

        for (let m = from; m < to; m++) {
            const next = this.nextCaller(v, m);

            scratch[2 * (m - from)] = leaf[m];
            scratch[2 * (m - from) + 1] = next;
            if (next < 0) {
                ended++;
                continue;
            }
            const group = this.group(groups, keys[source.frame[next]]);

            group.members++;
            group.amount += ownAmountOf[leaf[m]];
            group.count += ownCountOf[leaf[m]];
            group.variance += this.ownVarianceOf[leaf[m]] ?? 0;
            group.base += this.ownBaseOf[leaf[m]] ?? 0;
        }
        View.place(groups, from + ended);
        const places = groups.map((group) => group.at);
        let endedAt = from;
        for (let m = 0; m < to - from; m++) {
            const next = scratch[2 * m + 1];
            const at = next < 0 ? endedAt++ : places[this.groupOf[keys[source.frame[next]]] - 1]++;

            leaf[at] = scratch[2 * m];
            cursor[at] = next;
        }
        if (this.depth[v] === 0)
            for (const group of groups) {
                group.ownAmount = group.amount;
                group.ownCount = group.count;
                group.ownBase = group.base;
            }
        this.addGroups(v, groups);
        this.closeRanges(v, groups);
    }

    /* Root first, v last. */
    path(v) {
        const path = [v];

        while (v > 0) {
            v = this.parent[v];
            path.push(v);
        }
        return path.reverse();
    }

    right(v) {
        return this.left[v] + this.weight[v];
    }

    contains(ancestor, v) {
        while (this.depth[v] > this.depth[ancestor])
            v = this.parent[v];
        return v === ancestor;
    }

    /* The child of v with this key, or -1. */
    childWithKey(v, key) {
        this.expand(v);
        for (let child = this.first[v]; child < this.first[v] + this.children[v]; child++)
            if (this.key[child] === key)
                return child;
        return -1;
    }
}

/*
 * The boxes of a view that are at least half a pixel wide while [x0, x1) fills `width` pixels: rows
 * of node numbers from left to right, laid out as deep as somebody asks. What is narrower is left
 * out, and where many of them would fill a pixel together, a rest says so.
 */
class Layout {
    constructor(view, x0, x1, width) {
        this.view = view;
        this.x0 = x0;
        this.x1 = x1;
        this.width = width;
        this.scale = x1 > x0 ? width / (x1 - x0) : 0;
        this.rows = [[0]];
        this.rests = [[]];
        this.complete = this.scale === 0;
        this.boxes = 1;
    }

    /* Lays out rows up to `row`, and further while that is cheap. */
    ensure(row, budget = 200000) {
        while (!this.complete && (this.rows.length <= row || this.boxes < budget))
            this.addRow();
    }

    addRow() {
        const { view, x0, x1, scale } = this;
        const row = [];
        const rests = [];

        for (const v of this.rows[this.rows.length - 1]) {
            view.expand(v);
            const last = view.first[v] + view.children[v];

            for (let child = view.first[v]; child < last; child++) {
                const left = view.left[child];
                const right = left + view.weight[child];

                if ((right - left) * scale < 0.5) {
                    this.addRest(rests, v, child, last);
                    break;
                }
                if (left >= x1)
                    break;
                if (right > x0)
                    row.push(child);
            }
        }
        this.complete = row.length === 0;
        if (row.length || rests.length) {
            this.rows.push(row);
            this.rests.push(rests);
            this.boxes += row.length;
        }
    }

    addRest(rests, parent, first, last) {
        const { view } = this;
        const left = view.left[first];
        const right = view.right(last - 1);

        if (right <= this.x0 || left >= this.x1 || (right - left) * this.scale < 1)
            return;
        rests.push({ parent, left, right, frames: last - first });
    }

    x(position) {
        return (position - this.x0) * this.scale;
    }

    /* The box or rest of a row at a pixel: { node } or { rest }, or null. */
    find(row, pixel) {
        const { view } = this;
        const position = this.x0 + pixel / this.scale;
        const nodes = this.rows[row];
        let low = 0;
        let high;

        if (!nodes)
            return null;
        high = nodes.length;
        while (low < high) {
            const middle = (low + high) >> 1;

            if (view.right(nodes[middle]) > position)
                high = middle;
            else
                low = middle + 1;
        }
        if (low < nodes.length && view.left[nodes[low]] <= position)
            return { node: nodes[low] };
        const rest = this.rests[row].find((r) => r.left <= position && position < r.right);
        return rest ? { rest } : null;
    }
}

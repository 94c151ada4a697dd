/*
 * The graph on the page: which view is shown, which part of it, what is focused and hovered. It
 * owns the canvas and the scroll position; controls tell it what to do and hear of changes through
 * `changed` (zoom, focus, view) and `hover`.
 */

const ZOOM_MS = 190;
const LEAST_REVEALED = 4; /* pixels: a narrower box is zoomed to before it is focused */

class Stage {
    constructor(data, source, frames, listener) {
        this.data = data;
        this.source = source;
        this.frames = frames;
        this.unit = unitOf(data);
        this.listener = listener;
        this.element = document.getElementById("stage");
        this.spacer = document.getElementById("spacer");
        this.ring = document.getElementById("ring");
        this.glow = document.getElementById("glow");
        this.painter = new Painter(document.getElementById("canvas"));
        this.choices = {
            inverted: data.start.inverted, icicle: data.start.icicle, mergeLines: false,
            hideImports: false, byCount: !data.diff && data.amount === 0, thread: MERGED_THREADS,
            byBase: Boolean(data.diff) && (data.diff.by_base || data.amount === 0),
        };
        this.changes = data.diff ? new Changes(this) : null;
        this.theme = "light";
        this.matches = null;
        this.focused = -1;
        this.hovered = -1;
        this.history = [];
        this.threads = this.threadNodes();
        if (this.threads.size > 1)
            this.choices.thread = SPLIT_THREADS;
        this.build();
        this.listen();
    }

    /* Thread number -> its source node. */
    threadNodes() {
        const { source, frames } = this;
        const nodes = new Map();

        for (let i = 1; i < source.count; i = source.end[i])
            if (frames.isThread[source.frame[i]])
                nodes.set(source.frame[i] - frames.codeCount, i);
        return nodes;
    }

    hiddenFrames() {
        const { frames, choices } = this;
        const hidden = new Uint8Array(frames.count);

        if (choices.hideImports)
            for (let i = 0; i < frames.codeCount; i++)
                hidden[i] = frames.category[i] === IMPORT ? 1 : 0;
        if (choices.thread !== SPLIT_THREADS)
            hidden.fill(1, frames.codeCount);
        return hidden;
    }

    build() {
        const { frames, choices } = this;

        this.view = new View(this.source, {
            keys: choices.mergeLines ? frames.functionOf : frames.identity,
            keyCount: choices.mergeLines ? frames.frameOf.length : frames.count,
            hidden: this.hiddenFrames(),
            isThread: frames.isThread,
            top: choices.thread >= 0 ? this.threads.get(choices.thread) : 0,
            inverted: choices.inverted,
            byCount: choices.byCount,
            byBase: choices.byBase,
        });
        this.frameOf = choices.mergeLines ?
            (v) => frames.frameOf[this.view.key[v]] : (v) => this.view.key[v];
        this.amount = choices.byCount ?
            (weight) => textPlural(weight, ...this.unit.count) : this.unit.amount;
        this.rootName = choices.thread >= 0 ? frames.threadName(choices.thread) : "all";
        this.zoomed = 0;
        this.x0 = 0;
        this.x1 = this.view.weight[0];
        this.goal = [this.x0, this.x1];
        this.history = [];
        this.hovered = -1;
    }

    /* Changes choices; what was zoomed and focused stays so as far as the new view has it. */
    choose(choices) {
        const turned = "inverted" in choices && choices.inverted !== this.choices.inverted;
        const paths = turned ? null : [this.zoomed, this.focused].map((v) => this.functionPath(v));

        Object.assign(this.choices, choices);
        if ("icicle" in choices && Object.keys(choices).length === 1) {
            this.layout = null;
            this.refresh();
            this.scrollToRow(this.view.depth[this.focused > 0 ? this.focused : this.zoomed]);
            return;
        }
        this.build();
        this.focused = paths && paths[1] ? this.follow(paths[1]) : -1;
        if (paths && paths[0])
            this.zoomed = this.follow(paths[0]);
        this.x0 = this.view.left[this.zoomed];
        this.x1 = this.view.right(this.zoomed);
        this.goal = [this.x0, this.x1];
        this.matches = null;
        this.listener.rebuilt();
        this.refresh();
        if (this.zoomed === 0)
            this.scrollToRow(0);
        this.listener.changed();
    }

    functionPath(v) {
        return v <= 0 ? null :
            this.view.path(v).slice(1).map((node) => this.frames.functionOf[this.frameOf(node)]);
    }

    /* As far down a path of functions as this view goes. */
    follow(path) {
        const { view } = this;
        let v = 0;

        for (const wanted of path) {
            let found = -1;

            view.expand(v);
            for (let child = view.first[v]; child < view.first[v] + view.children[v] && found < 0; child++)
                if (this.frames.functionOf[this.frameOf(child)] === wanted)
                    found = child;
            if (found >= 0)
                v = found;
        }
        return v;
    }

    get width() {
        return this.element.clientWidth;
    }

    get geometry() {
        return new Geometry(this.width, this.element.clientHeight, this.rowCount,
            this.element.scrollTop, this.choices.icicle);
    }

    /* Until all rows are laid out, as many as there could be. */
    get rowCount() {
        return this.layout.complete ? this.layout.rows.length :
            Math.max(this.layout.rows.length, this.source.maxDepth + 1);
    }

    refresh() {
        const { layout } = this;

        if (!layout || layout.x0 !== this.x0 || layout.x1 !== this.x1 || layout.width !== this.width ||
            layout.view !== this.view) {
            this.layout = new Layout(this.view, this.x0, this.x1, this.width);
            this.layout.ensure(1);
        }
        if (!this.animation)
            this.fitSpacer();
        this.schedule();
    }

    /* The scrolled height follows the rows; what is seen keeps its distance from the root. */
    fitSpacer() {
        const { element } = this;
        const height = Math.max(0, this.rowCount * ROW_HEIGHT - element.clientHeight);
        const fromEnd = element.scrollHeight - element.clientHeight - element.scrollTop;

        if (this.spacerHeight === height && this.spacerIcicle === this.choices.icicle)
            return;
        this.spacer.style.height = `${height}px`;
        if (!this.choices.icicle)
            element.scrollTop = this.spacerIcicle === false ? height - fromEnd : height;
        this.spacerHeight = height;
        this.spacerIcicle = this.choices.icicle;
    }

    schedule() {
        if (!this.scheduled)
            this.scheduled = requestAnimationFrame(() => {
                this.scheduled = 0;
                this.paint();
            });
    }

    nameOf(v) {
        const name = v ? this.frames.name(this.frameOf(v)) : this.rootName;

        return (this.changes?.mark(v) ?? "") + name;
    }

    labelOf(v) {
        const { view } = this;

        return this.changes?.label(v) ?? `${this.amount(view.weight[v])} · ` +
            textPercent(view.weight[v] / view.weight[0]);
    }

    get scene() {
        const palette = (this.changes ?? this.frames).palette(this.theme);
        const colorsOf = this.changes ? (v) => palette[this.changes.step(v) + CHANGE_STEPS] :
            (v) => palette[this.frameOf(v)];

        return {
            colorsOf, nameOf: (v) => this.nameOf(v), labelOf: (v) => this.labelOf(v),
            layout: this.layout, frames: this.frames, theme: this.theme, geometry: this.geometry,
            frameOf: this.frameOf, amount: this.amount, title: this.rootName,
            placeOf: (frame) => this.frames.shortPlace(frame, !this.choices.mergeLines),
            fullPlaceOf: (frame) => this.frames.place(frame, !this.choices.mergeLines),
            zoomRow: this.view.depth[this.zoomed], matches: this.matches,
        };
    }

    paint() {
        const before = this.rowCount;

        this.painter.paint(this.scene);
        if (this.rowCount !== before && !this.animation) {
            this.fitSpacer();
            this.schedule();
        }
        this.place(this.ring, this.focused);
        this.place(this.glow, this.hovered);
    }

    /* The box of a node inside the viewport of the graph, or null when none of it is seen. */
    box(v) {
        const { layout, view } = this;
        const left = Math.max(0, layout.x(view.left[v]));
        const right = Math.min(this.width, layout.x(view.right(v)));
        const top = this.geometry.rowTop(view.depth[v]);

        if (right < 0 || left > this.width || top + ROW_HEIGHT < 0 || top > this.element.clientHeight)
            return null;
        return { left, top, width: Math.max(2, right - left - 1), height: ROW_HEIGHT - 1 };
    }

    place(mark, v) {
        const box = v >= 0 ? this.box(v) : null;

        mark.hidden = !box;
        if (!box)
            return;
        mark.style.transform = `translate(${box.left}px, ${box.top}px)`;
        mark.style.width = `${box.width}px`;
        mark.style.height = `${box.height}px`;
    }

    remember() {
        this.history.push({ x0: this.x0, x1: this.x1, zoomed: this.zoomed });
        if (this.history.length > 200)
            this.history.shift();
    }

    zoom(v) {
        if (!this.view.weight[v])
            return;
        if (v !== this.zoomed || this.x0 !== this.view.left[v] || this.x1 !== this.view.right(v))
            this.remember();
        this.zoomed = v;
        this.moveTo(this.view.left[v], this.view.right(v));
    }

    back() {
        const before = this.history.pop();

        if (!before)
            return;
        this.zoomed = before.zoomed;
        this.moveTo(before.x0, before.x1);
    }

    reset() {
        this.zoom(0);
        this.scrollToRow(0);
    }

    moveTo(x0, x1) {
        const start = performance.now();
        const from = [this.x0, this.x1];
        const still = this.isStill;

        this.goal = [x0, x1];
        cancelAnimationFrame(this.animation);
        const step = (now) => {
            const share = still ? 1 : Math.min(1, Math.max(0, (now - start) / ZOOM_MS));
            const eased = 1 - (1 - share) ** 3;

            this.x0 = share === 1 ? x0 : from[0] + (x0 - from[0]) * eased;
            this.x1 = share === 1 ? x1 : from[1] + (x1 - from[1]) * eased;
            this.animation = share === 1 ? 0 : requestAnimationFrame(step);
            this.refresh();
            if (share === 1)
                this.leaveRoom();
        };
        step(start);
        this.listener.changed();
    }

    get isStill() {
        return document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;
    }

    /* After a zoom: what lies below the zoomed box should be seen, not only the box. */
    leaveRoom() {
        const { geometry, layout } = this;
        const row = this.view.depth[this.zoomed];
        const top = geometry.rowTop(row);
        const room = this.choices.icicle ? geometry.height - top - ROW_HEIGHT : top;
        const wanted = Math.min(layout.rows.length - 1 - row, 12) * ROW_HEIGHT;
        const by = Math.min(wanted - room, geometry.height - ROW_HEIGHT - room);

        if (by > 0)
            this.element.scrollBy({ top: this.choices.icicle ? by : -by,
                behavior: this.isStill ? "auto" : "smooth" });
    }

    /* By hand: any range. */
    setRange(x0, x1) {
        const { view } = this;
        const all = view.weight[0];
        const wide = Math.min(all, Math.max(x1 - x0, all * 1e-9, 1e-3));

        cancelAnimationFrame(this.animation);
        this.animation = 0;
        this.x0 = Math.min(Math.max(0, x0), all - wide);
        this.x1 = this.x0 + wide;
        this.goal = [this.x0, this.x1];
        this.refresh();
        this.zoomed = this.filling();
        this.listener.changed();
    }

    /* The narrowest box that fills the screen; of a chain of equally wide ones the outermost. */
    filling() {
        const { view } = this;
        const fills = (v) => view.left[v] <= this.x0 && view.right(v) >= this.x1;
        let at = this.zoomed;

        while (at > 0 && !fills(at))
            at = view.parent[at];
        for (let outermost = at;;) {
            let next = view.first[at];
            const end = next + view.children[at];

            while (next < end && !fills(next))
                next++;
            if (next >= end)
                return outermost;
            if (view.weight[next] < view.weight[at])
                outermost = next;
            at = next;
        }
    }

    zoomAround(pixel, factor) {
        const center = this.x0 + (this.x1 - this.x0) * pixel / this.width;

        this.setRange(center - (center - this.x0) * factor, center + (this.x1 - center) * factor);
    }

    scrollToRow(row) {
        const { element, geometry } = this;
        const top = geometry.rowTop(row);

        if (row === 0)
            element.scrollTop = this.choices.icicle ? 0 : element.scrollHeight;
        else if (top < ROW_HEIGHT || top + 2 * ROW_HEIGHT > geometry.height)
            element.scrollTop += top - geometry.height / 2;
        this.schedule();
    }

    /* Brings a box into sight, zooming when it would be too narrow to see. */
    reveal(v) {
        const { view } = this;
        const pixels = (view.right(v) - view.left[v]) * this.width / (this.x1 - this.x0);
        let ancestor = v;

        if (pixels < LEAST_REVEALED || view.left[v] >= this.x1 || view.right(v) <= this.x0) {
            while (ancestor > 0 && view.weight[view.parent[ancestor]] < view.weight[v] * 12)
                ancestor = view.parent[ancestor];
            this.zoom(ancestor);
        }
        this.layout.ensure(view.depth[v]);
        if (!this.animation)
            this.fitSpacer();
        this.scrollToRow(view.depth[v]);
    }

    focus(v) {
        this.focused = v;
        if (v >= 0)
            this.reveal(v);
        this.schedule();
        this.listener.focused(v);
    }

    /* One step of the keyboard: "out" to the caller's side, "in", "left" or "right". */
    step(direction) {
        const { view, layout } = this;
        const v = this.focused < 0 ? this.zoomed : this.focused;
        let next = -1;

        if (this.focused < 0) {
            next = v;
        } else if (direction === "out") {
            next = v > 0 ? view.parent[v] : -1;
        } else if (direction === "in") {
            view.expand(v);
            next = view.children[v] > 0 && view.weight[view.first[v]] > 0 ? view.first[v] : -1;
        } else {
            const row = layout.rows[view.depth[v]] || [];
            const at = row.indexOf(v);

            next = at < 0 ? -1 : row[at + (direction === "left" ? -1 : 1)] ?? -1;
        }
        if (next >= 0)
            this.focus(next);
    }

    listen() {
        const { element } = this;

        new ResizeObserver(() => this.refresh()).observe(element);
        element.addEventListener("scroll", () => {
            this.schedule();
            this.listener.hover(null);
        });
        element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
        element.addEventListener("pointerdown", (event) => this.press(event));
        element.addEventListener("pointermove", (event) => this.move(event));
        element.addEventListener("pointerleave", () => this.hover(null));
        element.addEventListener("click", (event) => this.click(event));
        element.addEventListener("contextmenu", (event) => this.menu(event));
    }

    at(event) {
        const frame = this.element.getBoundingClientRect();
        const x = event.clientX - frame.left;

        if (x >= this.width)
            return null;
        return this.layout.find(this.geometry.rowAt(event.clientY - frame.top), x);
    }

    wheel(event) {
        const unit = event.deltaMode === 1 ? 16 : 1;
        const across = event.deltaX || (event.shiftKey ? event.deltaY : 0);
        const left = this.element.getBoundingClientRect().left;

        if (event.ctrlKey || event.metaKey) {
            event.preventDefault();
            this.zoomAround(event.clientX - left, Math.exp(event.deltaY * unit * 0.0025));
        } else if (across && Math.abs(across) >= Math.abs(event.shiftKey ? 0 : event.deltaY)) {
            const by = across * unit * (this.x1 - this.x0) / this.width;

            event.preventDefault();
            this.setRange(this.x0 + by, this.x1 + by);
        }
    }

    press(event) {
        this.dragged = false;
        if (event.button !== 0 || event.pointerType === "touch")
            return;
        this.drag = { x: event.clientX, y: event.clientY, x0: this.x0, x1: this.x1,
            top: this.element.scrollTop };
    }

    move(event) {
        const { drag } = this;

        if (!drag || !(event.buttons & 1)) {
            this.drag = null;
            this.hover(event);
            return;
        }
        const dx = event.clientX - drag.x;
        const dy = event.clientY - drag.y;
        if (!this.dragged && Math.hypot(dx, dy) < 5)
            return;
        if (!this.dragged)
            this.element.setPointerCapture(event.pointerId);
        this.dragged = true;
        this.element.scrollTop = drag.top - dy;
        if (drag.x1 - drag.x0 < this.view.weight[0]) {
            const by = dx * (drag.x1 - drag.x0) / this.width;

            this.setRange(drag.x0 - by, drag.x1 - by);
        }
        this.hover(null);
    }

    hover(event) {
        const found = event && !this.animation ? this.at(event) : null;

        this.hovered = found && found.node !== undefined ? found.node : -1;
        this.element.style.cursor = this.hovered >= 0 ? "pointer" : "";
        this.place(this.glow, this.hovered);
        this.listener.hover(found, event);
    }

    click(event) {
        const found = this.at(event);

        if (this.dragged || !found)
            return;
        this.listener.hover(null);
        if (found.rest) {
            this.zoomRest(found.rest);
            return;
        }
        this.focused = found.node;
        this.listener.focused(found.node);
        this.zoom(found.node);
    }

    /* A rest is not one box: its own range fills the screen. */
    zoomRest(rest) {
        this.remember();
        this.zoomed = rest.parent;
        this.moveTo(rest.left, rest.right);
    }

    menu(event) {
        const found = event.button === 2 ? this.at(event) : { node: this.focused };

        if (!found || !(found.node > 0))
            return;
        event.preventDefault();
        this.listener.hover(null);
        this.listener.menu(found.node, event);
    }
}

/* What is said of one frame: the tooltip, the text under the graph, the menu. */

class Details {
    constructor(stage) {
        this.stage = stage;
        this.tooltip = document.getElementById("tooltip");
        this.status = document.getElementById("status");
        this.menu = document.getElementById("menu");
        this.known = new Map(); /* key -> share of all its places */
        this.menu.addEventListener("keydown", (event) => this.menuKey(event));
        this.menu.addEventListener("click", (event) => this.choose(event.target.closest("button")));
        document.addEventListener("pointerdown", (event) => {
            if (!this.menu.contains(event.target))
                this.closeMenu(false);
        });
        window.addEventListener("blur", () => this.hide());
    }

    forget() {
        this.known.clear();
        this.hide();
    }

    /* Of all places of a function or line together, each byte or sample counted once. */
    everywhere(key) {
        let share = this.known.get(key);

        if (!share) {
            const { view } = this.stage;
            const only = new Uint8Array(view.options.keyCount);

            only[key] = 1;
            share = searchShare(view, only);
            this.known.set(key, share);
        }
        return share;
    }

    of(weight, whole) {
        return whole > 0 ? textPercent(weight / whole) : "-";
    }

    /* [label, value] pairs on a node. */
    rows(v) {
        const { view, unit, choices } = this.stage;
        const shareOf = view.weight[v];
        const rows = [];
        const parent = view.parent[v];
        const neighbour = choices.inverted ? "callee" : "caller";

        if (this.stage.changes)
            return this.compared(v);
        rows.push([choices.inverted && view.depth[v] > 1 ? "Through here" : "Total",
            unit.amount(view.amounts[v]) + textError(unit, view.variance?.[v])]);
        if (!choices.inverted)
            rows.push(["Own", unit.amount(view.ownAmount[v])]);
        rows.push([unit.counts, textCount(view.counts[v]) +
            (choices.inverted || !v ? "" : ` (own ${textCount(view.ownCount[v])})`)]);
        if (v) {
            rows.push(["Share", `${this.of(shareOf, view.weight[0])} of all` + (parent === 0 ? "" :
                `, ${this.of(shareOf, view.weight[parent])} of its ${neighbour}`)]);
            const all = this.everywhere(view.key[v]);
            if (all.nodes > 1 && !this.stage.frames.isThread[this.stage.frameOf(v)])
                rows.push(["Everywhere", `${unit.amount(all.amount)}${textError(unit, all.variance)}, ` +
                    `${this.of(view.options.byCount ? all.count : all.amount, view.weight[0])} in ` +
                    textPlural(all.nodes, "place", "places")]);
        }
        return rows;
    }

    compared(v) {
        const { view, changes, unit, frames } = this.stage;
        const rows = changes.rows(v);

        if (!v)
            return rows;
        const all = this.everywhere(view.key[v]);
        if (all.nodes > 1 && !frames.isThread[this.stage.frameOf(v)])
            rows.push(["Everywhere", changeSentence(unit, all.base, all.amount, all.variance) +
                ` in ${textPlural(all.nodes, "place", "places")}`]);
        return rows;
    }

    fill(v) {
        const { frames, frameOf, choices } = this.stage;
        const [name, place, source, table, note] = this.tooltip.children;
        const frame = v ? frameOf(v) : -1;

        name.textContent = v ? frames.name(frame) : this.stage.rootName;
        place.textContent = v ? frames.place(frame, !choices.mergeLines) : "";
        source.textContent = v && !choices.mergeLines ? frames.sourceLine(frame) : "";
        table.replaceChildren();
        for (const [label, value] of this.rows(v)) {
            const row = table.insertRow();

            row.insertCell().textContent = label;
            row.insertCell().textContent = value;
        }
        note.textContent = "";
    }

    fillRest(rest) {
        const { view, amount } = this.stage;
        const [name, place, source, table, note] = this.tooltip.children;
        const weight = rest.right - rest.left;

        name.textContent = textPlural(rest.frames, "narrow frame", "narrow frames");
        place.textContent = source.textContent = "";
        table.replaceChildren();
        const row = table.insertRow();
        row.insertCell().textContent = "Together";
        row.insertCell().textContent = `${amount(weight)}, ${this.of(weight, view.weight[0])} of all`;
        note.textContent = "Click to zoom in on them.";
    }

    /* found as Layout.find gives it, at the pointer. */
    hover(found, event) {
        if (!found || !this.menu.hidden) {
            this.hide();
            return;
        }
        if (found.rest)
            this.fillRest(found.rest);
        else if (this.shown !== found.node)
            this.fill(found.node);
        this.shown = found.rest ? -1 : found.node;
        this.tooltip.hidden = false;
        this.position(event.clientX + 14, event.clientY + 18, event.clientY - 10);
    }

    /* At a box, for who moves by keyboard. */
    showAt(v) {
        const box = this.stage.box(v);
        const origin = this.stage.element.getBoundingClientRect();

        if (!box)
            return;
        this.fill(v);
        this.shown = v;
        this.tooltip.hidden = false;
        this.position(origin.left + box.left + 8, origin.top + box.top + ROW_HEIGHT + 6,
            origin.top + box.top - 6);
    }

    /* Below the point when there is room, else above. */
    position(x, below, above) {
        const { offsetWidth, offsetHeight } = this.tooltip;
        const y = below + offsetHeight + 8 <= innerHeight ? below : above - offsetHeight;

        this.tooltip.style.transform = `translate(${Math.max(8, Math.min(x, innerWidth - offsetWidth - 8))}px, ` +
            `${Math.max(8, y)}px)`;
    }

    hide() {
        this.tooltip.hidden = true;
        this.shown = -1;
    }

    say(text) {
        this.status.textContent = text;
    }

    /* One sentence for the focused frame, also for who hears it. */
    sentence(v) {
        const { view, unit, frames, frameOf, choices } = this.stage;
        const calls = choices.inverted ? ["caller", "callers"] : ["callee", "callees"];
        const rows = this.rows(v).slice(0, this.stage.changes ? 3 : choices.inverted ? 1 : 2)
            .map(([label, value]) => `${label.toLowerCase()} ${value}`);

        view.expand(v);
        return [v ? exportFrame(frames, frameOf(v), !choices.mergeLines) : this.stage.rootName,
            `${this.of(view.weight[v], view.weight[0])} of all`, ...rows,
            textPlural(view.counts[v], ...unit.count),
            `level ${view.depth[v]}`, textPlural(view.children[v], ...calls)].join(", ");
    }

    openMenu(v, event) {
        const box = this.stage.box(v);
        const origin = this.stage.element.getBoundingClientRect();
        const byMouse = event.button === 2;
        const x = byMouse ? event.clientX : origin.left + (box ? box.left : 0) + 10;
        const y = byMouse ? event.clientY : origin.top + (box ? box.top + ROW_HEIGHT : 0);

        this.menuNode = v;
        this.menu.hidden = false;
        this.menu.style.transform = `translate(${Math.min(x, innerWidth - this.menu.offsetWidth - 8)}px, ` +
            `${Math.min(y, innerHeight - this.menu.offsetHeight - 8)}px)`;
        this.menu.querySelector("button").focus();
    }

    closeMenu(focus) {
        if (this.menu.hidden)
            return;
        this.menu.hidden = true;
        if (focus)
            this.stage.element.focus({ preventScroll: true });
    }

    menuKey(event) {
        const items = [...this.menu.querySelectorAll("button")];
        const at = items.indexOf(document.activeElement);
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];

        event.stopPropagation();
        if (step) {
            event.preventDefault();
            items[(at + step + items.length) % items.length].focus();
        } else if (event.key === "Escape" || event.key === "Tab") {
            event.preventDefault();
            this.closeMenu(true);
        }
    }

    choose(button) {
        const v = this.menuNode;

        if (!button)
            return;
        this.closeMenu(true);
        this.act(button.dataset.act, v);
    }

    act(what, v) {
        const { view, frames, frameOf, choices } = this.stage;

        if (what === "zoom")
            this.stage.zoom(v);
        else if (what === "search")
            this.stage.listener.search(frames.name(frameOf(v)));
        else if (what === "copy")
            this.copy(v ? exportFrame(frames, frameOf(v), !choices.mergeLines) : this.stage.rootName, "Frame");
        else if (what === "copy-stack")
            this.copy(exportStack(view, frames, frameOf, !choices.mergeLines, v), "Stack");
    }

    async copy(text, what) {
        this.say(await exportCopy(text) ? `${what} copied.` : "The browser did not allow copying.");
    }
}

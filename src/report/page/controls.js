/* The toolbar, the search, the breadcrumbs and the keyboard. */

const CRUMBS = 7; /* of a longer path the middle is left out */

class Controls {
    constructor(stage, details) {
        this.stage = stage;
        this.details = details;
        this.box = document.getElementById("search");
        this.result = document.getElementById("search-result");
        this.regex = document.getElementById("search-regex");
        this.help = document.getElementById("help");
        this.found = null;
        this.bindSearch();
        this.bindChoices();
        this.fillThreads();
        document.getElementById("crumbs").addEventListener("click", (event) => {
            const button = event.target.closest("button");

            if (button)
                stage.zoom(Number(button.dataset.node));
        });
        document.getElementById("reset").addEventListener("click", () => stage.reset());
        document.addEventListener("keydown", (event) => this.key(event));
    }

    bindSearch() {
        const { box } = this;

        box.addEventListener("input", () => {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.search(), this.stage.source.count > 200000 ? 150 : 30);
        });
        box.addEventListener("keydown", (event) => {
            if (event.key === "Enter") {
                event.preventDefault();
                this.stepMatch(event.shiftKey ? -1 : 1);
            } else if (event.key === "Escape") {
                event.preventDefault();
                event.stopPropagation();
                this.searchFor("");
                this.stage.element.focus({ preventScroll: true });
            }
        });
        this.regex.addEventListener("click", () => {
            this.toggle(this.regex, this.regex.getAttribute("aria-pressed") !== "true");
            this.search();
        });
        document.getElementById("search-next").addEventListener("click", () => this.stepMatch(1));
        document.getElementById("search-previous").addEventListener("click", () => this.stepMatch(-1));
    }

    searchFor(text) {
        this.box.value = text;
        this.toggle(this.regex, false);
        this.search();
    }

    /* Which keys of the current view match the text in the box; null when there is none. */
    matchKeys(test) {
        const { frames, frameOf, view, choices } = this.stage;
        const matches = new Uint8Array(view.options.keyCount);
        const known = new Map();
        const memo = (text) => {
            if (!known.has(text))
                known.set(text, test(text));
            return known.get(text);
        };

        for (let key = 0; key < matches.length; key++) {
            const frame = choices.mergeLines ? frames.frameOf[key] : key;
            const place = frames.place(frame, !choices.mergeLines);

            matches[key] = memo(frames.name(frame)) || (place && test(place)) ? 1 : 0;
        }
        return matches;
    }

    search() {
        const text = this.box.value;
        const query = text ? compileQuery(text, this.regex.getAttribute("aria-pressed") === "true") : null;
        const { stage } = this;

        clearTimeout(this.timer);
        this.timer = 0;
        this.found = null;
        this.box.setAttribute("aria-invalid", query && query.error ? "true" : "false");
        document.getElementById("search-steps").hidden = !query || Boolean(query.error);
        stage.matches = query && query.test ? this.matchKeys(query.test) : null;
        if (query && query.error)
            this.result.textContent = query.error;
        else if (query)
            this.showShare(searchShare(stage.view, stage.matches));
        else
            this.result.textContent = "";
        stage.schedule();
    }

    showShare(share) {
        const { view, amount, unit, choices, changes } = this.stage;
        const weight = choices.byBase ? share.base : choices.byCount ? share.count : share.amount;

        if (changes && share.nodes)
            this.share = changeSentence(unit, share.base, share.amount, share.variance);
        else this.share = share.nodes ? `${textPercent(weight / view.weight[0])} · ${amount(weight)}` +
            (choices.byCount ? "" : textError(unit, share.variance)) : "no match";
        this.result.textContent = this.share;
    }

    stepMatch(by) {
        const { stage } = this;

        if (this.timer)
            this.search();
        if (!stage.matches)
            return;
        if (!this.found) {
            this.found = searchNodes(stage.view, stage.matches);
            this.foundAt = by > 0 ? -1 : 0;
        }
        const { nodes, more } = this.found;
        if (!nodes.length)
            return;
        this.foundAt = (this.foundAt + by + nodes.length) % nodes.length;
        stage.focus(nodes[this.foundAt]);
        this.result.textContent = `${this.share} · ${textCount(this.foundAt + 1)} of ` +
            `${more ? "more than " : ""}${textCount(nodes.length)}`;
    }

    toggle(button, on) {
        button.setAttribute("aria-pressed", String(on));
    }

    /* Buttons say what they choose: data-choice="name:value"; a lone one switches on and off. */
    bindChoices() {
        for (const button of document.querySelectorAll("[data-choice]")) {
            const [name, value] = button.dataset.choice.split(":");

            button.addEventListener("click", () => {
                const { stage } = this;
                const wanted = value === undefined ? !stage.choices[name] : value === "true";

                if (stage.choices[name] !== wanted)
                    stage.choose({ [name]: wanted });
                this.showChoices();
            });
        }
        document.getElementById("threads").addEventListener("change", (event) => {
            this.stage.choose({ thread: Number(event.target.value) });
        });
        document.getElementById("save").addEventListener("click", () => this.save());
        document.getElementById("help-button").addEventListener("click", () => this.help.showModal());
        this.showChoices();
    }

    showChoices() {
        for (const button of document.querySelectorAll("[data-choice]")) {
            const [name, value] = button.dataset.choice.split(":");

            this.toggle(button, value === undefined ? this.stage.choices[name] :
                this.stage.choices[name] === (value === "true"));
        }
    }

    fillThreads() {
        const { threads, frames, source, unit, choices } = this.stage;
        const select = document.getElementById("threads");
        const heaviest = [...threads].sort((a, b) => source.amounts[b[1]] - source.amounts[a[1]]);

        function add(value, text) {
            const option = document.createElement("option");

            option.value = value;
            option.textContent = text;
            select.append(option);
        }

        if (threads.size < 1)
            return;
        add(SPLIT_THREADS, "Threads side by side");
        add(MERGED_THREADS, "All threads merged");
        for (const [thread, node] of heaviest)
            add(thread, `${frames.threadName(thread)}: ${unit.amount(source.amounts[node])}`);
        select.value = choices.thread;
        select.hidden = false;
    }

    save() {
        const { stage } = this;
        const { data, frames, view, zoomed } = stage;
        const what = zoomed ? `, ${frames.name(stage.frameOf(zoomed))}` : "";

        stage.layout.ensure(stage.source.maxDepth, 20000);
        exportDownload(`${data.title.replace(/[^\w.-]+/g, "-").slice(0, 60) || "flamegraph"}.svg`,
            exportSvg(stage.scene, stage.painter.ruler, `${data.title}: ${metricOf(data).name}, ` +
                `${stage.amount(view.weight[zoomed])}${what}`));
        this.details.say("Saved the view as SVG.");
    }

    /* The way to what is zoomed. */
    showCrumbs() {
        const { stage } = this;
        const list = document.getElementById("crumbs");
        const path = stage.view.path(stage.zoomed);
        const cut = path.length > CRUMBS ? path.length - CRUMBS + 1 : 0;
        const [x0, x1] = stage.goal;
        const whole = x0 <= 0 && x1 >= stage.view.weight[0];

        list.replaceChildren();
        path.forEach((v, i) => {
            const item = document.createElement("li");

            if (i > 0 && i <= cut) {
                item.textContent = i === cut ? `${textCount(cut)} more` : "";
                item.className = "cut";
                if (i < cut)
                    return;
            } else {
                item.append(this.crumb(v, i === path.length - 1));
            }
            list.append(item);
        });
        document.getElementById("reset").hidden = whole;
        document.getElementById("hint").hidden = !whole;
        document.getElementById("range").textContent = whole ? "" :
            `${stage.amount(x1 - x0)} shown, ${textPercent((x1 - x0) / stage.view.weight[0])}`;
    }

    crumb(v, isLast) {
        const { stage } = this;
        const button = document.createElement("button");

        button.type = "button";
        button.dataset.node = v;
        button.textContent = v ? stage.frames.name(stage.frameOf(v)) : stage.rootName;
        button.title = v ? exportFrame(stage.frames, stage.frameOf(v), !stage.choices.mergeLines) : "";
        if (isLast)
            button.setAttribute("aria-current", "location");
        return button;
    }

    /* The whole page listens; typing in the search box and buttons keep their own keys. */
    key(event) {
        const { stage } = this;
        const inBox = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);

        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f" && !event.shiftKey &&
            document.activeElement !== this.box) {
            event.preventDefault();
            this.box.focus();
            this.box.select();
            return;
        }
        if (this.help.open || inBox || event.altKey)
            return;
        if (event.ctrlKey || event.metaKey) {
            if (event.key === "c" && stage.focused >= 0 && String(getSelection()) === "") {
                event.preventDefault();
                this.details.act("copy", stage.focused);
            }
            return;
        }
        if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " "))
            return;
        const act = this.keyAct(event);
        if (act) {
            event.preventDefault();
            act();
        }
    }

    keyAct(event) {
        const { stage, details } = this;
        const flame = !stage.choices.icicle;
        const chosen = stage.focused >= 0 ? stage.focused : stage.hovered;
        const press = (choice) => () => document.querySelector(`[data-choice^="${choice}"]`).click();
        const around = (factor) => () => {
            const box = stage.focused >= 0 ? stage.box(stage.focused) : null;

            stage.zoomAround(box ? box.left + box.width / 2 : stage.width / 2, factor);
        };
        const acts = {
            ArrowDown: () => stage.step(flame ? "out" : "in"),
            ArrowUp: () => stage.step(flame ? "in" : "out"),
            ArrowLeft: () => stage.step("left"),
            ArrowRight: () => stage.step("right"),
            Enter: stage.focused >= 0 ? () => stage.zoom(stage.focused) : null,
            Backspace: () => stage.back(),
            Home: () => stage.reset(),
            Escape: () => this.escape(),
            "/": () => { this.box.focus(); this.box.select(); },
            "?": () => this.help.showModal(),
            "+": around(0.6), "=": around(0.6), "-": around(1 / 0.6),
            n: () => this.stepMatch(1), N: () => this.stepMatch(-1),
            c: chosen >= 0 ? () => details.act("copy", chosen) : null,
            C: chosen > 0 ? () => details.act("copy-stack", chosen) : null,
            i: () => { stage.choose({ inverted: !stage.choices.inverted }); this.showChoices(); },
            o: () => { stage.choose({ icicle: !stage.choices.icicle }); this.showChoices(); },
            w: () => this.turnWidth(),
            m: press("mergeLines"), h: press("hideImports"),
            s: () => this.save(),
            t: () => document.getElementById("theme").click(),
        };

        return acts[event.key];
    }

    turnWidth() {
        const { stage } = this;
        const { byBase, byCount } = stage.choices;

        if (stage.changes)
            stage.choose({ byBase: !byBase });
        else if (stage.data.unit === "bytes")
            stage.choose({ byCount: !byCount });
        this.showChoices();
    }

    /* One thing at a time: the tooltip of the keyboard, the search, then the zoom. */
    escape() {
        if (this.box.value)
            this.searchFor("");
        this.details.hide();
        this.stage.reset();
    }
}

/* Follows the system until somebody chooses; a choice is remembered where the browser allows. */
class Theme {
    constructor(stage, forceDark) {
        const dark = matchMedia("(prefers-color-scheme: dark)");
        const remembered = Theme.recall();

        this.stage = stage;
        this.apply(forceDark ? "dark" : remembered || (dark.matches ? "dark" : "light"));
        dark.addEventListener("change", () => {
            if (!forceDark && !Theme.recall())
                this.apply(dark.matches ? "dark" : "light");
        });
        document.getElementById("theme").addEventListener("click", () => {
            this.apply(this.name === "dark" ? "light" : "dark");
            try {
                localStorage.setItem("sonde-theme", this.name);
            } catch (error) {
                /* a page from a file may have no storage: then it lasts as long as the page */
            }
        });
    }

    static recall() {
        try {
            const name = localStorage.getItem("sonde-theme");

            return name === "dark" || name === "light" ? name : null;
        } catch (error) {
            return null;
        }
    }

    apply(name) {
        this.name = name;
        document.documentElement.dataset.theme = name;
        document.getElementById("theme").setAttribute("aria-label",
            name === "dark" ? "Use the light page" : "Use the dark page");
        this.stage.theme = name;
        this.stage.refresh();
        showLegend(this.stage);
    }
}

/* What the colours say where captures are compared. */
function showChangeLegend(stage) {
    const list = document.getElementById("legend");
    const palette = stage.changes.palette(stage.theme);

    list.setAttribute("aria-label", "What the colours say");
    list.replaceChildren(...stage.changes.legend().map(([name, steps]) => {
        const item = document.createElement("li");

        for (const step of steps) {
            const dot = document.createElement("i");

            dot.className = "step";
            dot.style.background = palette[step + CHANGE_STEPS].box;
            item.append(dot);
        }
        item.append(name);
        return item;
    }));
}

/* How much is the own of which kind of code. */
function showLegend(stage) {
    if (stage.changes) {
        showChangeLegend(stage);
        return;
    }
    const { source, frames, view } = stage;
    const own = new Float64Array(CATEGORIES.length);
    const list = document.getElementById("legend");
    const values = view.options.byCount ? view.ownCountOf : view.ownAmountOf;

    for (let i = view.options.top + 1; i < view.end; i++)
        if (!view.isHidden(i))
            own[frames.category[source.frame[i]]] += values[i];
    list.replaceChildren();
    CATEGORIES.forEach(({ name }, category) => {
        const item = document.createElement("li");
        const dot = document.createElement("i");
        const used = frames.category.includes(category);
        const hidden = category === IMPORT && stage.choices.hideImports;

        if (!used || hidden || (category === OTHER && !own[category]))
            return;
        dot.style.background = cssColor(kindColor(stage.theme, category));
        item.append(dot, `${name} ${textPercent(own[category] / view.weight[0])}`);
        item.title = `${stage.unit.own} ${name.toLowerCase()} itself: ${stage.amount(own[category])}`;
        list.append(item);
    });
}

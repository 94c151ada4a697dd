/* Brings the page to life: reads the data that stand in it and puts the parts together. */

async function readPage() {
    const json = document.getElementById("data");
    const packed = document.getElementById("nodes");
    const data = JSON.parse(json.textContent);
    const source = decodeSource(await inflate(decodeBase64(packed.textContent)), data.nodes, data.estimated,
        Boolean(data.diff));

    json.remove();
    packed.remove();
    return { data, source };
}

function emptyText(data) {
    if (data.metadata.filtered_out_count)
        return ["Nothing is left to show", "The filters took everything away."];
    if (data.metric === "leaks")
        return ["Nothing leaked", "Every block that was allocated while recording was released again."];
    if (data.metric === "temporary")
        return ["No temporary allocations", "No block was released so soon after it was made."];
    if (data.unit === "ns")
        return ["No samples", data.metric === "wall" ? "The capture holds no sample." :
            `In no sample a thread ${data.metric === "gil" ? "held the GIL" : "was running"}.`];
    return ["Nothing was recorded", "The capture holds no allocation."];
}

function showEmpty(title, text) {
    const empty = document.getElementById("empty");

    document.body.classList.add("is-empty");
    empty.querySelector("h2").textContent = title;
    empty.querySelector("p").textContent = text;
    empty.hidden = false;
}

async function start() {
    const { data, source } = await readPage();
    const frames = new Frames(data);
    const isEmpty = source.amounts[0] === 0 && source.counts[0] === 0 && !source.bases[0];
    const listener = { rebuilt() {}, changed() {}, focused() {}, hover() {}, menu() {}, search() {} };
    const stage = new Stage(data, source, frames, listener);
    const details = new Details(stage);
    const controls = new Controls(stage, details);

    for (const element of document.querySelectorAll("[data-unit]"))
        element.hidden = element.dataset.unit !== data.unit;
    for (const element of document.querySelectorAll("[data-compared]"))
        element.hidden = element.hidden || (element.dataset.compared === "true") !== Boolean(data.diff);
    if (data.diff && !data.diff.lines)
        document.querySelector("[data-choice='mergeLines']").hidden = true;
    headerFill(data);
    new Timeline(document.getElementById("timeline"), data);
    Object.assign(listener, {
        rebuilt: () => {
            details.forget();
            controls.search();
            showLegend(stage);
        },
        changed: () => controls.showCrumbs(),
        focused: (v) => {
            if (v < 0)
                return;
            details.say(details.sentence(v));
            requestAnimationFrame(() => requestAnimationFrame(() => {
                if (stage.focused === v && stage.hovered < 0 && !stage.animation)
                    details.showAt(v);
            }));
        },
        hover: (found, event) => details.hover(found, event),
        menu: (v, event) => details.openMenu(v, event),
        search: (text) => controls.searchFor(text),
    });
    new Theme(stage, data.start.dark);
    controls.showCrumbs();
    stage.refresh();
    if (isEmpty)
        showEmpty(...emptyText(data));
    else
        stage.element.focus({ preventScroll: true });
}

start().catch((error) => {
    showEmpty("This page cannot be shown", `It may be incomplete, or the browser too old: ${error.message}`);
    throw error;
});

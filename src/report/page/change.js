/*
 * Two captures compared: what changed from the base to the new one, in words and colours. The
 * colour of a box stands for its change as a part of the larger of both, in four steps up and down.
 * What changed has a triangle before its name, so that nobody needs to tell the colours apart.
 */

const CHANGE_STEPS = 4;
const CHANGE_LIMITS = [0.1, 0.3, 0.6];
const CHANGE_HUES = { grown: 30, shrunk: 250 };

/* -4 (mostly gone) to 4 (mostly new). 0: nothing, or less than two standard errors. */
function changeStep(before, after, variance = 0) {
    const distance = Math.abs(after - before);

    if (!distance || distance < 2 * Math.sqrt(variance))
        return 0;
    const share = distance / Math.max(before, after);
    const step = 1 + CHANGE_LIMITS.filter((limit) => share > limit).length;
    return after > before ? step : -step;
}

function changeIsDoubtful(before, after, variance = 0) {
    return before !== after && changeStep(before, after, variance) === 0;
}

function changeMark(step) {
    return step > 0 ? "▲ " : step < 0 ? "▼ " : "";
}

/* "+1.5 MiB" */
function changeText(unit, before, after) {
    return (after > before ? "+" : after < before ? "-" : "") + unit.amount(Math.abs(after - before));
}

/* "+26.0 %", "new", "gone"; "" where nothing changed. */
function changeRelative(before, after) {
    if (before === after)
        return "";
    if (!before || !after)
        return before ? "gone" : "new";
    return (after > before ? "+" : "-") + textPercent(Math.abs(after - before) / before);
}

/* All of it: "+1.5 MiB ± 20 B (+26.0 %), may be chance" */
function changeSentence(unit, before, after, variance = 0) {
    const relative = changeRelative(before, after);

    return changeText(unit, before, after) + textError(unit, variance) + (relative && ` (${relative})`) +
        (changeIsDoubtful(before, after, variance) ? ", may be chance" : "");
}

function changeColor(theme, step) {
    const { lightness, chroma } = THEMES[theme].change;
    const strength = Math.abs(step);

    return rgbOfOklch(lightness[strength], chroma[strength], step < 0 ? CHANGE_HUES.shrunk : CHANGE_HUES.grown);
}

/* Per step, from -4 on, { box, faded } as Frames.palette has them. */
function changePalette(theme) {
    const { page } = THEMES[theme];

    return Array.from({ length: 2 * CHANGE_STEPS + 1 }, (_, i) => {
        const box = changeColor(theme, i - CHANGE_STEPS);

        return { box: cssColor(box), faded: cssColor(box.map((v, c) => Math.round(v * 0.45 + page[c] * 0.55))) };
    });
}

/* How a stage shows its boxes when two captures are compared. */
class Changes {
    constructor(stage) {
        this.stage = stage;
        this.unit = stage.unit;
        this.palettes = {};
    }

    palette(theme) {
        this.palettes[theme] ??= changePalette(theme);
        return this.palettes[theme];
    }

    variance(v) {
        return this.stage.view.variance?.[v] ?? 0;
    }

    step(v) {
        const { view } = this.stage;

        return changeStep(view.bases[v], view.amounts[v], this.variance(v));
    }

    mark(v) {
        return changeMark(this.step(v));
    }

    /* What a wide box says of itself. */
    label(v) {
        const { view } = this.stage;

        return [changeText(this.unit, view.bases[v], view.amounts[v]),
            changeRelative(view.bases[v], view.amounts[v])].filter(Boolean).join(" · ");
    }

    /* [label, value] pairs on a node, for the tooltip. */
    rows(v) {
        const { view, choices, unit } = this.stage;
        const rows = [["New", unit.amount(view.amounts[v])], ["Base", unit.amount(view.bases[v])],
            ["Change", changeSentence(unit, view.bases[v], view.amounts[v], this.variance(v))]];

        if (!choices.inverted)
            rows.push(["Own change", changeText(unit, view.ownBase[v], view.ownAmount[v])]);
        return rows;
    }

    legend() {
        const steps = Array.from({ length: CHANGE_STEPS }, (_, i) => i + 1);

        return [["▼ shrank", steps.map((step) => -step).reverse()],
            [this.stage.data.estimated ? "unchanged, or by chance" : "unchanged", [0]], ["▲ grew", steps]];
    }
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { expandAll, flatten, makeSource, makeView, nested, nestedFromStacks, page, randomNodes } from "./page.mjs";

const plain = (text) => text.replaceAll("\u00a0", " ");

test("a change has a step by its part of the larger of both", () => {
    const steps = (pairs) => pairs.map(([before, after]) => page.changeStep(before, after));

    assert.deepEqual(steps([[100, 100], [0, 0], [100, 110], [110, 100], [100, 112], [100, 145], [45, 100],
        [100, 30], [0, 1], [1, 0]]), [0, 0, 1, -1, 2, 3, 3, -4, 4, -4]);
    /* two standard errors are enough, a little less is chance */
    assert.equal(page.changeStep(100, 120, 100), 2);
    assert.equal(page.changeStep(100, 119, 100), 0);
    assert.equal(page.changeStep(119, 100, 100), 0);
    assert.ok(page.changeIsDoubtful(100, 119, 100));
    assert.ok(!page.changeIsDoubtful(100, 120, 100));
    assert.ok(!page.changeIsDoubtful(100, 100, 100));
});

test("changes read as in the other reports", () => {
    const { bytes, ns } = page.UNITS;
    const text = (unit, before, after) => plain(page.changeText(unit, before, after));
    const relative = (before, after) => plain(page.changeRelative(before, after));

    assert.deepEqual([text(bytes, 0, 2048), text(bytes, 2048, 1024), text(bytes, 5, 5), text(ns, 1e9, 1.5e9)],
        ["+2.0 KiB", "-1.0 KiB", "0 B", "+500.0 ms"]);
    assert.deepEqual([relative(0, 2048), relative(2048, 0), relative(5, 5), relative(100, 126), relative(100, 31)],
        ["new", "gone", "", "+26.0 %", "-69.0 %"]);
    assert.equal(plain(page.changeSentence(bytes, 1024, 2048)), "+1.0 KiB (+100.0 %)");
    assert.equal(plain(page.changeSentence(ns, 1e9, 1.01e9, 1e14)), "+10.0 ms ± 10.0 ms (+1.0 %), may be chance");
    assert.deepEqual([1, 0, -3].map(page.changeMark), ["▲ ", "", "▼ "]);
});

test("every colour of a change can be read on, and up and down are told apart by anybody", () => {
    const { THEMES, changeColor, contrast, CHANGE_STEPS } = page;
    /* Linear light as it is seen without red or green receptors (Machado et al., 2009). */
    const blindness = [[[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]];
    const linear = (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
    const oklab = ([r, g, b]) => {
        const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
        const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
        const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);

        return [0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s];
    };
    const seen = (rgb, matrix) => oklab(matrix.map((row) =>
        Math.max(0, row.reduce((sum, weight, i) => sum + weight * linear(rgb[i]), 0))));

    for (const [name, theme] of Object.entries(THEMES))
        for (let step = 0; step <= CHANGE_STEPS; step++) {
            const [up, down] = [changeColor(name, step), changeColor(name, -step)];

            for (const box of [up, down])
                for (const color of [box, box.map((v, c) => Math.round(v * 0.45 + theme.page[c] * 0.55))]) {
                    assert.ok(contrast(color, theme.text) >= 7, `${name} ${step}`);
                    assert.ok(contrast(color, theme.faint) >= 4.5, `${name} ${step}, faint`);
                }
            for (const matrix of step ? blindness : []) {
                const [a, b] = [seen(up, matrix), seen(down, matrix)];

                /* 0.02 is what one just sees */
                assert.ok(Math.hypot(...a.map((v, i) => v - b[i])) > 0.03 * step, `${name} ${step}`);
            }
        }
    assert.equal(page.changePalette("dark").length, 9);
    assert.equal(page.changePalette("light")[8].box, page.changePalette("light")[8].box.toLowerCase());
});

/* The same tree with the bases as its amounts. */
function turned(nodes) {
    return nodes.map((node) => ({ ...node, amount: node.base, base: node.amount }));
}

function withBases(nodes, seed) {
    return nodes.map((node, i) => ({ ...node, error: 0, base: node.amount ? (node.amount * 7 + seed + i) % 900 : 0 }));
}

test("random trees: the base goes where the amounts go", () => {
    for (let seed = 1; seed <= 40; seed++)
        for (const inverted of [false, true]) {
            const frames = 4 + seed % 7;
            const nodes = withBases(randomNodes(seed, 200, frames, 8), seed);
            const hidden = Uint8Array.from({ length: frames }, (_, f) => seed % 3 === 0 && f % 3 === 1 ? 1 : 0);
            const view = expandAll(makeView(makeSource(nodes, false, true), frames, { inverted, hidden, byBase: true }));
            const other = expandAll(makeView(makeSource(turned(nodes), false, true), frames, { inverted, hidden }));
            const numbers = (of, amounts, bases, own) => Array.from({ length: of.count }, (_, v) =>
                [of.path(v).map((node) => of.key[node]).join(), of.depth[v], amounts[v], bases[v], own[v]])
                .sort((a, b) => a[0] < b[0] ? -1 : 1);

            assert.deepEqual(numbers(view, view.bases, view.amounts, view.ownBase),
                numbers(other, other.amounts, other.bases, other.ownAmount), `seed ${seed}`);
            for (let v = 0; v < view.count; v++)
                for (let c = view.first[v], left = view.left[v]; c < view.first[v] + view.children[v]; c++) {
                    assert.equal(view.left[c], left);
                    left += view.bases[c];
                }
        }
});

test("without a base nothing is kept of one", () => {
    const tree = [-1, 0, 0, [0, 5, 1, [1, 10, 1]]];
    const view = makeView(makeSource(flatten(tree)), 2);

    assert.equal(view.source.bases.length, 0);
    assert.equal(view.bases, undefined);
    assert.deepEqual(nested(view), nestedFromStacks([{ stack: [0], amount: 5, count: 1 },
        { stack: [0, 1], amount: 10, count: 1 }]));
});

test("a search adds up the base as well", () => {
    const nodes = flatten([-1, 0, 0, [0, 5, 1, [1, 10, 1]], [1, 80, 1]]).map((node) => ({ ...node, base: node.amount * 2 }));
    const view = makeView(makeSource(nodes, false, true), 2);
    const share = page.searchShare(view, Uint8Array.of(0, 1));

    assert.deepEqual([share.amount, share.base, share.nodes], [90, 180, 2]);
});

const side = (capture, changes = {}) => ({
    capture, amount: 100, count: 3, amount_error: 0,
    metadata: { command_line: ["app.py"], duration_seconds: 2, complete: true, events_lost: 0,
        processes: [{ pid: 1, python_version: "3.12.1" }], ...changes },
});

const DATA = {
    metric: "peak", unit: "bytes", amount: 2048, count: 3, estimated: false, left_out: 0,
    metadata: side("").metadata, diff: { normalized: false, scale: 1, lines: false, base: 1024, error: 0,
        before: side("old.sonde", { complete: false }), after: side("new.sonde", { python_version: "" }) },
};

test("the header says what changed between what", () => {
    assert.equal(plain(page.headerAmount(DATA)), "+1.0 KiB (+100.0 %)");
    assert.equal(plain(page.headerSummary(DATA)), "from 1.0 KiB to 2.0 KiB");
    assert.deepEqual(page.headerFacts(DATA).map(([name, text]) => `${name}: ${plain(text)}`),
        ["Base: old.sonde, app.py, Python 3.12.1, 2.0 s", "New: new.sonde, app.py, Python 3.12.1, 2.0 s"]);
    assert.deepEqual(page.headerNotes(DATA), []);
    assert.deepEqual(page.headerWarnings({ ...DATA, left_out: 2 }).map(plain), [
        "Base: The capture is incomplete, recording was cut short after 2.0 s.",
        "2 branches of small frames left out of this page; boxes named <left out> stand for them."]);
});

test("the header says that shares were compared, and what may be chance", () => {
    const sampling = { rounds_missed: 2, samples_lost: 0, samples_without_stack: 0 };
    const data = { ...DATA, metric: "cpu", unit: "ns", amount: 3e9, estimated: true, diff: { ...DATA.diff, base: 3e9,
        normalized: true, scale: 1.23456, error: 1e8, before: { ...side("old.sonde", { sampling }), amount: 2e9 } } };

    assert.equal(plain(page.headerAmount(data)), "3.00 s");
    assert.equal(plain(page.headerSummary(data)), "from 2.00 s to 3.00 s, compared as shares");
    const notes = page.headerNotes(data);
    assert.match(notes[0], /multiplied by 1\.235,/);
    assert.match(notes[1], /± is one standard error of the change.*chance/);
    assert.equal(notes[2], "Base: 2 rounds of sampling were too late and left out.");
    assert.equal(plain(page.headerAmount({ ...data, diff: { ...data.diff, normalized: false, base: 2.9e9 } })),
        "+100.0 ms ± 100.0 ms (+3.4 %), may be chance");
});

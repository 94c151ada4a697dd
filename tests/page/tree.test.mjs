import assert from "node:assert/strict";
import { test } from "node:test";
import { expandAll, flatten, makeSource, makeView, nested, nestedFromStacks, page, randomNodes,
    stacksOf } from "./page.mjs";

const SMALL = [-1, 0, 0,
    [0, 10, 1,
        [1, 100, 2],
        [2, 30, 1,
            [1, 60, 3]]],
    [3, 200, 4]];

test("a source has parents, ends and totals", () => {
    const source = makeSource(flatten(SMALL));

    assert.deepEqual([...source.parent], [0, 0, 1, 1, 3, 0]);
    assert.deepEqual([...source.end], [6, 5, 3, 5, 5, 6]);
    assert.deepEqual([...source.amounts], [400, 200, 100, 90, 60, 200]);
    assert.deepEqual([...source.counts], [11, 7, 2, 4, 3, 4]);
    assert.equal(source.maxDepth, 3);
});

test("a source of nothing is a root", () => {
    const source = makeSource(flatten([-1, 0, 0]));

    assert.equal(source.count, 1);
    assert.deepEqual(nested(makeView(source, 0)), [-1, 0, 0, 0, []]);
    const layout = new page.Layout(makeView(source, 0), 0, 0, 800);
    layout.ensure(10);
    assert.deepEqual(layout.rows, [[0]]);
});

test("numbers of 64 bits come as near as a double can", () => {
    const source = makeSource(flatten([-1, 0, 0, [0, 2n ** 64n - 1n, 2n ** 53n], [1, 5, 2n ** 63n]]));

    assert.equal(source.ownAmount[1], 2 ** 64);
    assert.equal(source.ownCount[1], 2 ** 53);
    assert.equal(source.ownCount[2], 2 ** 63);
    assert.ok(Number.isFinite(source.amounts[0]));
});

test("errors of estimates add up by their squares", () => {
    const nodes = flatten([-1, 0, 0, [0, 10, 1, [1, 20, 1], [0, 5, 1]]]);

    nodes.forEach((node, i) => { node.error = [0, 3, 4, 12][i]; });
    const source = makeSource(nodes, true);
    const view = expandAll(makeView(source, 2));
    assert.equal(Math.sqrt(view.variance[0]), 13);
    assert.equal(Math.sqrt(view.variance[view.childWithKey(1, 1)]), 4);
    const inverted = expandAll(makeView(source, 2, { inverted: true }));
    assert.equal(inverted.variance[inverted.childWithKey(0, 0)], 9 + 144);
});

test("a view is the source, heaviest first", () => {
    assert.deepEqual(nested(makeView(makeSource(flatten(SMALL)), 4)), [-1, 400, 11, 0, [
        [0, 200, 7, 10, [
            [1, 100, 2, 100, []],
            [2, 90, 4, 30, [[1, 60, 3, 60, []]]]]],
        [3, 200, 4, 200, []]]]);
});

test("inverted: first who allocated, below it who called", () => {
    assert.deepEqual(nested(makeView(makeSource(flatten(SMALL)), 4, { inverted: true })), [-1, 400, 11, 0, [
        [3, 200, 4, 200, []],
        [1, 160, 5, 160, [
            [0, 100, 2, 0, []],
            [2, 60, 3, 0, [[0, 60, 3, 0, []]]]]],
        [2, 30, 1, 30, [[0, 30, 1, 0, []]]],
        [0, 10, 1, 10, []]]]);
});

test("keys merge: two lines of a function are one box", () => {
    const keys = Int32Array.of(0, 0, 1);
    const tree = [-1, 0, 0, [0, 1, 1, [2, 10, 1]], [1, 2, 1, [2, 20, 1]]];

    assert.deepEqual(nested(makeView(makeSource(flatten(tree)), 3, { keys, keyCount: 2 })),
        [-1, 33, 4, 0, [[0, 33, 4, 3, [[1, 30, 2, 30, []]]]]]);
});

test("hidden frames give their callees and their own amount to their caller", () => {
    const hidden = Uint8Array.of(0, 1, 1, 0);
    const tree = [-1, 0, 0, [0, 1, 1, [1, 2, 1, [2, 4, 1, [3, 8, 1]], [3, 16, 1]]], [1, 32, 1]];
    const source = makeSource(flatten(tree));

    assert.deepEqual(nested(makeView(source, 4, { hidden })),
        [-1, 63, 6, 32, [[0, 31, 5, 7, [[3, 24, 2, 24, []]]]]]);
    assert.deepEqual(nested(makeView(source, 4, { hidden, inverted: true })),
        [-1, 63, 6, 32, [
            [3, 24, 2, 24, [[0, 24, 2, 0, []]]],
            [0, 7, 3, 7, []]]]);
});

test("threads: merged, side by side and alone, upright and inverted", () => {
    /* frames 0 and 1 are code, 2 and 3 threads */
    const isThread = Uint8Array.of(0, 0, 1, 1);
    const source = makeSource(flatten([-1, 0, 0,
        [2, 0, 0, [0, 1, 1, [1, 10, 1]]],
        [3, 0, 0, [0, 2, 1, [1, 20, 1]]]]));
    const merged = { isThread, hidden: Uint8Array.of(0, 0, 1, 1) };

    assert.deepEqual(nested(makeView(source, 4, merged)), [-1, 33, 4, 0, [[0, 33, 4, 3, [[1, 30, 2, 30, []]]]]]);
    assert.deepEqual(nested(makeView(source, 4, { isThread })), [-1, 33, 4, 0, [
        [3, 22, 2, 0, [[0, 22, 2, 2, [[1, 20, 1, 20, []]]]]],
        [2, 11, 2, 0, [[0, 11, 2, 1, [[1, 10, 1, 10, []]]]]]]]);
    assert.deepEqual(nested(makeView(source, 4, { ...merged, top: 4 })),
        [-1, 22, 2, 0, [[0, 22, 2, 2, [[1, 20, 1, 20, []]]]]]);
    assert.deepEqual(nested(makeView(source, 4, { ...merged, inverted: true })), [-1, 33, 4, 0, [
        [1, 30, 2, 30, [[0, 30, 2, 0, []]]],
        [0, 3, 2, 3, []]]]);
    const split = nested(makeView(source, 4, { isThread, inverted: true }));
    assert.deepEqual(split.slice(0, 3), [-1, 33, 4]);
    assert.deepEqual(split[4].map((thread) => thread[0]), [3, 2]);
    assert.deepEqual(split[4][0][4], [
        [1, 20, 1, 0, [[0, 20, 1, 0, []]]],
        [0, 2, 1, 0, []]]);
    assert.deepEqual(nested(makeView(source, 4, { ...merged, top: 4, inverted: true })), [-1, 22, 2, 0, [
        [1, 20, 1, 20, [[0, 20, 1, 0, []]]],
        [0, 2, 1, 2, []]]]);
});

test("what hidden frames leave to a thread ends at the thread", () => {
    const source = makeSource(flatten([-1, 0, 0, [1, 0, 0, [0, 7, 1]]]));
    const view = expandAll(makeView(source, 2,
        { isThread: Uint8Array.of(0, 1), hidden: Uint8Array.of(1, 0), inverted: true }));

    assert.equal(view.count, 2);
    assert.equal(view.amounts[1], 7);
});

/* Own amounts are those of who allocated: inverted, of the first level, not of the outermost frame. */
function withoutOwn([key, amount, count, , children]) {
    return [key, amount, count, children.map(withoutOwn)];
}

test("random trees: the same as made from stacks, in every direction and merging", () => {
    for (let seed = 1; seed <= 60; seed++) {
        const frames = 3 + seed % 7;
        const nodes = randomNodes(seed, 10 + seed * 5, frames, 2 + seed % 9);
        const source = makeSource(nodes);
        const hidden = Uint8Array.from({ length: frames }, (_, f) => seed % 3 === 0 && f % 3 === 1 ? 1 : 0);
        const keys = Int32Array.from({ length: frames }, (_, f) => seed % 2 ? f : f >> 1);
        const stacks = stacksOf(nodes).map(({ stack, ...rest }) =>
            ({ stack: stack.filter((f) => !hidden[f]).map((f) => keys[f]), ...rest }));
        const upright = makeView(source, frames, { keys, hidden });
        const inverted = makeView(source, frames, { keys, hidden, inverted: true });
        /* nodes that allocated nothing are in the source, too: leave them out of the comparison */
        const heavy = ([key, amount, count, own, children]) =>
            [key, amount, count, own, children.filter((c) => c[1] || c[2]).map(heavy)];

        assert.deepEqual(sorted(heavy(nested(upright))), sorted(nestedFromStacks(stacks)), `seed ${seed}`);
        assert.deepEqual(sorted(withoutOwn(nested(inverted))),
            sorted(withoutOwn(nestedFromStacks(stacks.map(({ stack, ...rest }) =>
                ({ stack: [...stack].reverse(), ...rest }))))), `seed ${seed}, inverted`);
    }
});

/* Children by key, all the way down. */
function sorted(tree) {
    const children = tree[tree.length - 1].map(sorted).sort((a, b) => a[0] - b[0]);

    return [...tree.slice(0, -1), children];
}

test("random trees: children lie inside their parent, side by side, heaviest first", () => {
    for (const inverted of [false, true])
        for (const byCount of [false, true]) {
            const view = expandAll(makeView(makeSource(randomNodes(5, 2000, 12, 9)), 12, { inverted, byCount }));

            for (let v = 0; v < view.count; v++) {
                let left = view.left[v];

                for (let child = view.first[v]; child < view.first[v] + view.children[v]; child++) {
                    assert.equal(view.left[child], left);
                    assert.equal(view.parent[child], v);
                    assert.equal(view.depth[child], view.depth[v] + 1);
                    if (child > view.first[v])
                        assert.ok(view.weight[child] <= view.weight[child - 1]);
                    left += view.weight[child];
                }
                assert.ok(left <= view.left[v] + view.weight[v]);
            }
        }
});

test("inverting a deep recursion costs what is looked at", () => {
    const depth = 20000;
    const nodes = [{ depth: 0, frame: -1, amount: 0, count: 0 }];

    for (let d = 1; d <= depth; d++)
        nodes.push({ depth: d, frame: 0, amount: 1, count: 1 });
    const view = makeView(makeSource(nodes), 1, { inverted: true });
    let v = 0;
    for (let level = 0; level < 3; level++) {
        view.expand(v);
        v = view.first[v];
    }
    assert.equal(view.count, 4);
    assert.deepEqual([...view.amounts.slice(0, 4)], [depth, depth, depth - 1, depth - 2]);
});

test("a layout has every box of half a pixel and nothing else", () => {
    for (const [x0share, x1share] of [[0, 1], [0.2, 0.5], [0.4, 0.401]])
        for (const inverted of [false, true]) {
            const view = makeView(makeSource(randomNodes(9, 3000, 40, 14)), 40, { inverted });
            const x0 = view.weight[0] * x0share;
            const x1 = view.weight[0] * x1share;
            const layout = new page.Layout(view, x0, x1, 300);
            const wanted = [];

            layout.ensure(1000);
            expandAll(view);
            const walk = (v) => {
                const seen = view.left[v] < x1 && view.right(v) > x0;

                if (!seen || (v && view.weight[v] * layout.scale < 0.5))
                    return;
                wanted.push(v);
                for (let child = view.first[v]; child < view.first[v] + view.children[v]; child++)
                    walk(child);
            };
            walk(0);
            assert.deepEqual(layout.rows.flat().sort((a, b) => a - b), wanted.sort((a, b) => a - b));
            for (const [row, nodes] of layout.rows.entries())
                nodes.forEach((v, i) => {
                    assert.equal(view.depth[v], row);
                    assert.ok(i === 0 || view.right(nodes[i - 1]) <= view.left[v] + 1e-9);
                });
        }
});

test("what a layout leaves out is a rest as soon as it would fill a pixel", () => {
    const tree = [-1, 0, 0, [0, 0, 0, ...Array.from({ length: 1000 }, (_, i) => [1 + i, 1, 1])], [1001, 9000, 1]];
    const view = makeView(makeSource(flatten(tree)), 1002);
    const layout = new page.Layout(view, 0, view.weight[0], 1000);

    layout.ensure(10);
    assert.deepEqual(layout.rows.map((row) => row.length), [1, 2, 0]);
    assert.equal(layout.rests[2].length, 1);
    assert.equal(layout.rests[2][0].frames, 1000);
    assert.ok(layout.complete);
    const zoomed = new page.Layout(view, layout.rests[2][0].left, layout.rests[2][0].right, 1000);
    zoomed.ensure(10);
    assert.equal(zoomed.rows[2].length, 1000);
});

test("find tells the box, the rest or nothing at a pixel", () => {
    const view = makeView(makeSource(flatten(SMALL)), 4);
    const layout = new page.Layout(view, 0, 400, 400);

    layout.ensure(10);
    const key = (row, x) => view.key[layout.find(row, x)?.node];
    assert.equal(key(0, 399), -1);
    assert.deepEqual([0, 199, 200, 399].map((x) => key(1, x)), [0, 0, 3, 3]);
    assert.deepEqual([0, 99, 100, 189].map((x) => key(2, x)), [1, 1, 2, 2]);
    assert.equal(layout.find(2, 195), null);
    assert.equal(layout.find(9, 10), null);
});

test("a layout goes only as deep as it is asked to once it is large", () => {
    const nodes = [{ depth: 0, frame: -1, amount: 0, count: 0 }];

    for (let d = 1; d <= 5000; d++)
        nodes.push({ depth: d, frame: 0, amount: 1, count: 1 });
    const view = makeView(makeSource(nodes), 1);
    const layout = new page.Layout(view, 0, view.weight[0], 1000);
    layout.ensure(40, 100);
    assert.equal(layout.rows.length, 100);
    assert.ok(!layout.complete);
    layout.ensure(4000, 100);
    assert.equal(layout.rows.length, 4001);
});

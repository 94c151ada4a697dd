import assert from "node:assert/strict";
import { test } from "node:test";
import { expandAll, flatten, makeSource, makeView, page, randomNodes, stacksOf } from "./page.mjs";

test("plain text is text, and capitals matter once one is typed", () => {
    assert.ok(page.compileQuery("a.b(", false).test("x A.B(c)"));
    assert.ok(!page.compileQuery("a.b", false).test("axb"));
    assert.ok(!page.compileQuery("A", false).test("a"));
    assert.ok(page.compileQuery("<listcomp>[0]*\\", false).test("<listcomp>[0]*\\"));
    assert.ok(page.compileQuery("größe", false).test("Größe"));
});

test("a regular expression works, and a wrong one says why", () => {
    assert.ok(page.compileQuery("^par.e$", true).test("Parse"));
    assert.match(page.compileQuery("(", true).error, /group/i);
});

test("a byte is counted once, however many frames of its stack match", () => {
    /* 0 matches; it is its own callee */
    const tree = [-1, 0, 0, [0, 5, 1, [1, 10, 1, [0, 20, 1]], [0, 40, 1]], [1, 80, 1, [0, 160, 1]]];
    const view = makeView(makeSource(flatten(tree)), 2);

    assert.deepEqual(page.searchShare(view, Uint8Array.of(1, 0)),
        { amount: 235, count: 5, variance: 0, base: 0, nodes: 2 });
    assert.deepEqual(page.searchShare(view, Uint8Array.of(0, 0)),
        { amount: 0, count: 0, variance: 0, base: 0, nodes: 0 });
});

test("the matches of a view are the outermost ones, heaviest first", () => {
    const tree = [-1, 0, 0, [0, 5, 1, [1, 10, 1, [0, 20, 1]], [0, 40, 1]], [1, 80, 1, [0, 160, 1]]];
    const source = makeSource(flatten(tree));
    const view = makeView(source, 2);
    const { nodes, more } = page.searchNodes(view, Uint8Array.of(1, 0));

    assert.ok(!more);
    assert.deepEqual(nodes.map((v) => view.amounts[v]), [160, 75]);
    const inverted = makeView(source, 2, { inverted: true });
    const found = page.searchNodes(inverted, Uint8Array.of(1, 0)).nodes;
    assert.deepEqual(found.map((v) => [inverted.depth[v], inverted.amounts[v]]), [[1, 225], [2, 10]]);
});

test("a limit is kept and told", () => {
    const tree = [-1, 0, 0, ...Array.from({ length: 50 }, (_, i) => [i, 1 + i, 1])];
    const view = makeView(makeSource(flatten(tree)), 50);
    const { nodes, more } = page.searchNodes(view, new Uint8Array(50).fill(1), 10);

    assert.ok(more);
    assert.equal(nodes.length, 10);
    assert.equal(view.amounts[nodes[0]], 50);
});

test("random trees: share and matches as the stacks say, whatever was looked at before", () => {
    for (let seed = 1; seed <= 60; seed++) {
        const frames = 4 + seed % 9;
        const nodes = randomNodes(seed, 20 + seed * 6, frames, 2 + seed % 11);
        const source = makeSource(nodes);
        const matches = Uint8Array.from({ length: frames }, (_, f) => f % 4 === seed % 4 ? 1 : 0);
        const hidden = Uint8Array.from({ length: frames }, (_, f) => seed % 3 === 0 && f % 3 === 1 ? 1 : 0);
        const wanted = stacksOf(nodes).filter(({ stack }) => stack.some((f) => matches[f] && !hidden[f]))
            .reduce((sum, { amount }) => sum + amount, 0);

        for (const inverted of [false, true]) {
            const view = makeView(source, frames, { hidden, inverted });

            if (seed % 2)
                new page.Layout(view, 0, view.weight[0], 50 + seed * 10).ensure(3, 1);
            assert.equal(page.searchShare(view, matches).amount, wanted, `seed ${seed}`);
            const found = page.searchNodes(view, matches, 1e9).nodes;
            assert.equal(found.reduce((sum, v) => sum + view.amounts[v], 0), wanted, `seed ${seed} ${inverted}`);
            const outermost = [];
            expandAll(view);
            for (let v = 1; v < view.count; v++)
                if (matches[view.key[v]] && !view.path(v).slice(1, -1).some((a) => matches[view.key[a]]) &&
                    (view.amounts[v] || view.counts[v]))
                    outermost.push(v);
            assert.deepEqual(found.filter((v) => view.amounts[v] || view.counts[v]).sort((a, b) => a - b),
                outermost, `seed ${seed} ${inverted}`);
        }
    }
});

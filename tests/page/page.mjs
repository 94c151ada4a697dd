/* The page's own scripts without a document, and trees in its format. */

import { readFileSync } from "node:fs";
import { Duplex } from "node:stream";
import { createInflateRaw } from "node:zlib";

const SOURCES = new URL("../../src/report/page/", import.meta.url);
const FILES = ["text", "color", "change", "frames", "tree", "search", "draw", "timeline", "header", "export"];
const NAMES = ["textBytes", "textCount", "textPercent", "textDuration", "textPlural", "textError", "textTime", "UNITS",
    "textFileName", "TextRuler", "categoryOf", "hueGroupOf", "hashShare", "rgbOfOklch", "contrast",
    "boxColor", "kindColor", "THEMES", "CATEGORIES", "OWN", "PACKAGE", "STDLIB", "IMPORT", "NATIVE",
    "KERNEL", "OTHER", "Frames", "decodeBase64", "decodeSource", "inflate", "View", "Layout",
    "compileQuery", "searchShare", "searchReach", "searchNodes", "Geometry", "ROW_HEIGHT",
    "timelinePoints", "timelineSteps", "timelineKnown", "timelineIndex", "headerSummary", "headerFacts", "headerNotes",
    "headerWarnings", "headerAmount", "changeStep", "changeIsDoubtful", "changeMark", "changeText", "changeRelative",
    "changeSentence", "changeColor", "changePalette", "CHANGE_STEPS", "exportFrame", "exportStack", "escapeXml"];

/* What browsers have, and Node before 21 has without "deflate-raw". */
class RawDecompressionStream {
    constructor(format) {
        if (format !== "deflate-raw")
            throw new TypeError(`no such format: ${format}`);
        return Duplex.toWeb(createInflateRaw());
    }
}

function load() {
    const text = FILES.map((name) => readFileSync(new URL(`${name}.js`, SOURCES), "utf8")).join("\n");

    return new Function("DecompressionStream",
        `"use strict";\n${text}\nreturn { ${NAMES.join(", ")} };`)(RawDecompressionStream);
}

export const page = load();

function leb128(number) {
    const bytes = [];
    let rest = BigInt(number);

    for (; rest >= 128n; rest >>= 7n)
        bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    return bytes;
}

/* nodes: [{ depth, frame, amount, count, error, base }] in preorder, frame -1 for the root. */
export function encodeNodes(nodes, estimated = false, compared = false) {
    const columns = [
        nodes.map((node, i) => i ? nodes[i - 1].depth + 1 - node.depth : 0),
        nodes.map((node) => node.frame + 1),
        nodes.map((node) => node.amount),
        nodes.map((node) => node.count),
    ];

    if (estimated)
        columns.push(nodes.map((node) => node.error));
    if (compared)
        columns.push(nodes.map((node) => node.base));
    return Uint8Array.from(columns.flat().flatMap(leb128));
}

/* tree: [frame, amount, count, ...subtrees]. */
export function flatten(tree, depth = 0) {
    const [frame, amount, count, ...below] = tree;

    return [{ depth, frame, amount, count }, ...below.flatMap((child) => flatten(child, depth + 1))];
}

export function makeSource(nodes, estimated = false, compared = false) {
    return page.decodeSource(encodeNodes(nodes, estimated, compared), nodes.length, estimated, compared);
}

/* A view with plain defaults: one key a frame, nothing hidden, no threads. */
export function makeView(source, frameCount, options = {}) {
    return new page.View(source, {
        keys: Int32Array.from({ length: frameCount }, (_, i) => i),
        keyCount: frameCount,
        hidden: new Uint8Array(frameCount),
        isThread: new Uint8Array(frameCount),
        top: 0,
        inverted: false,
        byCount: false,
        byBase: false,
        ...options,
    });
}

export function expandAll(view) {
    for (let v = 0; v < view.count; v++)
        view.expand(v);
    return view;
}

/* A view as nested [key, amount, count, ownAmount, [children]]. */
export function nested(view, v = 0) {
    view.expand(v);
    const children = Array.from({ length: view.children[v] }, (_, i) => nested(view, view.first[v] + i));
    return [view.key[v], view.amounts[v], view.counts[v], view.ownAmount[v], children];
}

/* A generator of numbers that are the same in every run. */
export function randomNumbers(seed) {
    let state = seed >>> 0;

    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor(state / 4294967296 * below);
    };
}

/* A tree of `count` nodes over `frameCount` frames, at most `depth` deep. */
export function randomNodes(seed, count, frameCount, depth) {
    const random = randomNumbers(seed);
    const nodes = [{ depth: 0, frame: -1, amount: 0, count: 0 }];

    while (nodes.length < count) {
        const deepest = Math.min(depth, nodes[nodes.length - 1].depth + 1);
        const isOwner = random(3) > 0;

        nodes.push({
            depth: random(4) ? deepest : 1 + random(deepest),
            frame: random(frameCount),
            amount: isOwner ? random(1000) : 0,
            count: isOwner ? 1 + random(9) : 0,
        });
    }
    return nodes;
}

/* Every node that allocated, as { stack: frames from the outermost, amount, count }. */
export function stacksOf(nodes) {
    const path = [];

    return nodes.map((node) => {
        path.length = node.depth;
        path[node.depth] = node.frame;
        return { stack: path.slice(1), amount: node.amount, count: node.count };
    }).filter(({ amount, count }) => amount || count);
}

/* The same tree as nested(), made the slow and obvious way: from stacks. */
export function nestedFromStacks(stacks) {
    const root = { key: -1, amount: 0, count: 0, own: 0, below: new Map() };

    for (const { stack, amount, count } of stacks) {
        let node = root;

        node.amount += amount;
        node.count += count;
        for (const key of stack) {
            if (!node.below.has(key))
                node.below.set(key, { key, amount: 0, count: 0, own: 0, below: new Map() });
            node = node.below.get(key);
            node.amount += amount;
            node.count += count;
        }
        node.own += amount;
    }
    const finish = (node) => [node.key, node.amount, node.count, node.own,
        [...node.below.values()].sort((a, b) => b.amount - a.amount || a.key - b.key).map(finish)];
    return finish(root);
}

/*
 * Searching. A frame matches or not by its text alone; the share of the matches counts each byte or
 * sample once, however many frames of its stack match.
 */

/* { test } or { error }. Plain text is found anywhere; capitals matter once one is typed. */
function compileQuery(text, isRegex) {
    const flags = text === text.toLowerCase() ? "iu" : "u";
    let pattern;

    try {
        pattern = new RegExp(isRegex ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), flags);
    } catch (error) {
        return { error: error.message.replace(/^Invalid regular expression: /, "") };
    }
    return { test: (subject) => pattern.test(subject) };
}

/* Amounts, count and outermost nodes below a view's top whose key matches. */
function searchShare(view, matches) {
    const { source } = view;
    const { keys, top } = view.options;
    const share = { amount: 0, count: 0, variance: 0, base: 0, nodes: 0 };

    for (let i = top + 1; i < view.end;) {
        if (matches[keys[source.frame[i]]] && !view.isHidden(i)) {
            share.amount += source.amounts[i];
            share.count += source.counts[i];
            share.variance += source.variance[i] ?? 0;
            share.base += source.bases[i] ?? 0;
            share.nodes++;
            i = source.end[i];
        } else {
            i++;
        }
    }
    return share;
}

/* Per source node of the view: 1 if a match lies in its subtree (callees) or on its stack. */
function searchReach(view, matches) {
    const { source } = view;
    const { keys, top, inverted } = view.options;
    const reach = new Uint8Array(view.end - top);

    for (let i = top + 1; i < view.end; i++)
        reach[i - top] = matches[keys[source.frame[i]]] && !view.isHidden(i) ? 1 : 0;
    if (inverted)
        for (let i = top + 1; i < view.end; i++)
            reach[i - top] |= source.parent[i] > top ? reach[source.parent[i] - top] : 0;
    else
        for (let i = view.end - 1; i > top; i--)
            reach[source.parent[i] - top] |= reach[i - top];
    return reach;
}

/*
 * The outermost matching nodes of a view, heaviest first, at most `limit`: { nodes, more }. Only
 * what leads to a match is expanded.
 */
function searchNodes(view, matches, limit = 5000) {
    const { top, inverted } = view.options;
    const reach = searchReach(view, matches);
    const nodes = [];
    let row = [0];
    let more = false;

    /* Nothing on the way to v matched, so what the members' whole stacks reach lies beyond v. */
    function leads(v) {
        const members = inverted ? view.leaf : view.pool;

        for (let m = view.from[v]; m < view.to[v]; m++)
            if (reach[members[m] - top])
                return true;
        return false;
    }

    while (row.length && !more) {
        const below = [];

        for (const v of row) {
            view.expand(v);
            for (let child = view.first[v]; child < view.first[v] + view.children[v]; child++) {
                if (matches[view.key[child]])
                    nodes.push(child);
                else if (leads(child))
                    below.push(child);
            }
        }
        row = below;
        more = nodes.length > limit;
    }
    nodes.sort((a, b) => view.weight[b] - view.weight[a] || view.left[a] - view.left[b]);
    return { nodes: nodes.slice(0, limit), more };
}

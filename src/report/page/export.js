/* What people take away: a frame or a stack as text, the view as SVG. */

function exportFrame(frames, frame, withLine) {
    const place = frames.place(frame, withLine);

    return place ? `${frames.name(frame)} (${place})` : frames.name(frame);
}

/* Innermost frame first, as a view node's path says it. */
function exportStack(view, frames, frameOf, withLine, v) {
    const path = view.path(v).slice(1);
    const lines = path.map((node) => exportFrame(frames, frameOf(node), withLine));

    return (view.options.inverted ? lines : lines.reverse()).join("\n");
}

function escapeXml(text) {
    return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
        .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/* All rows of the scene's layout, also those scrolled out of sight. */
function exportSvg(scene, ruler, heading) {
    const { layout, geometry } = scene;
    const { view } = layout;
    const theme = THEMES[scene.theme];
    const head = 32;
    const rows = layout.rows.length;
    const height = head + rows * ROW_HEIGHT + 4;
    const parts = [`<svg xmlns="${SVG_NAMESPACE}" width="${geometry.width}" height="${height}" ` +
        `viewBox="0 0 ${geometry.width} ${height}" font-family="system-ui,sans-serif" font-size="12">\n` +
        `<rect width="100%" height="100%" fill="${cssColor(theme.page)}"/>\n` +
        `<text x="5" y="20" font-size="14" fill="${cssColor(theme.text)}">${escapeXml(heading)}</text>\n`];

    for (let row = 0; row < rows; row++) {
        const top = head + ROW_HEIGHT * (geometry.icicle ? row : rows - 1 - row);

        for (const v of layout.rows[row]) {
            const frame = scene.frameOf(v);
            const left = Math.max(0, layout.x(view.left[v]));
            const width = Math.min(geometry.width, layout.x(view.right(v))) - left;
            const isMatch = scene.matches && v && scene.matches[view.key[v]];
            const dimmed = !v || (scene.matches && !isMatch);
            const fill = isMatch ? cssColor(theme.match) : dimmed ? cssColor(theme.dimmed) :
                row < scene.zoomRow ? scene.colorsOf(v).faded : scene.colorsOf(v).box;
            const name = scene.nameOf(v);
            const label = width >= 26 ? ruler.cut(name, width - 2 * TEXT_INSET) : "";
            const color = cssColor(isMatch ? theme.matchText : scene.matches ? theme.dimmedText : theme.text);
            const place = v ? scene.fullPlaceOf(frame) : "";

            parts.push(`<g><title>${escapeXml(place ? `${name} (${place})` : name)}\n` +
                `${escapeXml(scene.labelOf(v).replace(" · ", ", "))}</title>` +
                `<rect x="${left.toFixed(2)}" y="${top}" width="${Math.max(0.3, width - 0.8).toFixed(2)}" ` +
                `height="${ROW_HEIGHT - 1}" rx="${width > 6 ? 2 : 0}" fill="${fill}"/>` +
                (label ? `<text x="${(left + TEXT_INSET).toFixed(2)}" y="${top + 14}" fill="${color}">` +
                    `${escapeXml(label)}</text>` : "") + "</g>\n");
        }
    }
    parts.push("</svg>\n");
    return parts.join("");
}

function exportDownload(name, text) {
    const link = document.createElement("a");
    const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));

    link.href = url;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/* Resolves to whether it worked: a page from a file may not have the newer way. */
async function exportCopy(text) {
    const area = document.createElement("textarea");
    const active = document.activeElement;

    if (navigator.clipboard && window.isSecureContext) {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch (error) {
            /* refused: the old way may still work */
        }
    }
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const worked = document.execCommand("copy");
    area.remove();
    if (active)
        active.focus({ preventScroll: true });
    return worked;
}

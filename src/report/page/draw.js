/* Drawing on the canvas: only rows inside the viewport, only boxes the layout kept. */

const ROW_HEIGHT = 20;
const TEXT_INSET = 5;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Liberation Sans', sans-serif";

/* Where rows are: all in CSS pixels, y from the top of the viewport. */
class Geometry {
    constructor(width, height, rows, scrollTop, icicle) {
        this.width = width;
        this.height = height;
        this.scrollTop = scrollTop;
        this.icicle = icicle;
        this.contentHeight = Math.max(height, rows * ROW_HEIGHT);
    }

    rowTop(row) {
        return (this.icicle ? row * ROW_HEIGHT : this.contentHeight - (row + 1) * ROW_HEIGHT) -
            this.scrollTop;
    }

    rowAt(y) {
        const below = y + this.scrollTop;

        return Math.floor((this.icicle ? below : this.contentHeight - below) / ROW_HEIGHT);
    }

    /* First and last row of which something is seen. */
    visibleRows() {
        const rows = [this.rowAt(0), this.rowAt(this.height)];

        return [Math.max(0, Math.min(...rows)), Math.max(0, ...rows)];
    }
}

/*
 * scene: { layout, frames, theme, geometry, frameOf(v), placeOf(frame), nameOf(v), labelOf(v),
 * colorsOf(v), title, zoomRow, matches }
 * Rows above zoomRow are the way to what is zoomed, drawn faded. matches: per key, or null.
 */
class Painter {
    constructor(canvas) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d", { alpha: false });
        this.context.font = FONT;
        this.ruler = new TextRuler((text) => this.context.measureText(text).width);
    }

    fit(width, height) {
        const ratio = window.devicePixelRatio || 1;
        const pixels = [Math.round(width * ratio), Math.round(height * ratio)];

        if (this.canvas.width !== pixels[0] || this.canvas.height !== pixels[1])
            [this.canvas.width, this.canvas.height] = pixels;
        this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
        this.context.font = FONT;
        this.context.textBaseline = "middle";
    }

    paint(scene) {
        const { context } = this;
        const { layout, geometry } = scene;
        const theme = THEMES[scene.theme];
        const [first, last] = geometry.visibleRows();

        this.fit(geometry.width, geometry.height);
        context.fillStyle = cssColor(theme.page);
        context.fillRect(0, 0, geometry.width, geometry.height);
        layout.ensure(last + 1);
        this.styles = {
            text: cssColor(theme.text),
            faint: cssColor(theme.faint), dimmed: cssColor(theme.dimmed),
            dimmedText: cssColor(theme.dimmedText), match: cssColor(theme.match),
            matchText: cssColor(theme.matchText), matchFaint: cssColor(theme.matchFaint),
            hatch: this.hatch(theme),
        };
        for (let row = first; row <= last && row < layout.rows.length; row++) {
            this.paintRests(scene, row);
            for (const v of layout.rows[row])
                this.paintBox(scene, row, v);
        }
    }

    /* Hatched: there is something, but not one frame. */
    paintRests(scene, row) {
        const { context, ruler } = this;
        const { layout, geometry } = scene;
        const top = geometry.rowTop(row);

        for (const rest of layout.rests[row]) {
            const left = Math.max(0, layout.x(rest.left));
            const right = Math.min(geometry.width, layout.x(rest.right));
            const text = textPlural(rest.frames, "narrow frame", "narrow frames");

            context.fillStyle = this.styles.hatch;
            context.fillRect(left, top, Math.max(0.5, right - left - 1), ROW_HEIGHT - 1);
            if (right - left < 40)
                continue;
            context.fillStyle = this.styles.dimmedText;
            context.fillText(ruler.cut(text, right - left - 2 * TEXT_INSET), left + TEXT_INSET,
                top + ROW_HEIGHT / 2);
        }
    }

    hatch(theme) {
        const tile = document.createElement("canvas");
        const context = tile.getContext("2d");

        tile.width = tile.height = 6;
        context.fillStyle = cssColor(theme.dimmed);
        context.fillRect(0, 0, 6, 6);
        context.strokeStyle = cssColor(theme.rest);
        context.lineWidth = 1.2;
        for (const x of [-6, 0, 6]) {
            context.moveTo(x - 1, 7);
            context.lineTo(x + 7, -1);
        }
        context.stroke();
        return this.context.createPattern(tile, "repeat");
    }

    paintBox(scene, row, v) {
        const { context, styles } = this;
        const { layout, geometry, matches } = scene;
        const { view } = layout;
        const left = Math.max(-2, layout.x(view.left[v]));
        const right = Math.min(geometry.width + 2, layout.x(view.right(v)));
        const top = geometry.rowTop(row);
        const width = right - left;
        const colors = v ? scene.colorsOf(v) : null;
        const isMatch = matches && v && matches[view.key[v]];

        if (isMatch)
            context.fillStyle = styles.match;
        else if (matches || !v)
            context.fillStyle = styles.dimmed;
        else
            context.fillStyle = row < scene.zoomRow ? colors.faded : colors.box;
        if (width < 6) {
            context.fillRect(left, top, width > 2 ? width - 1 : Math.max(0.4, width * 0.8),
                ROW_HEIGHT - 1);
            return;
        }
        this.fillRound(left, top, width - 1, ROW_HEIGHT - 1);
        if (width >= 26)
            this.paintLabel(scene, v, isMatch, Math.max(0, left), Math.min(geometry.width, right - 1),
                top + ROW_HEIGHT / 2);
    }

    fillRound(left, top, width, height) {
        const { context } = this;

        if (!context.roundRect) { /* browsers before 2023 */
            context.fillRect(left, top, width, height);
            return;
        }
        context.beginPath();
        context.roundRect(left, top, width, height, 2);
        context.fill();
    }

    paintLabel(scene, v, isMatch, left, right, middle) {
        const { context, ruler, styles } = this;
        const { view } = scene.layout;
        const dimmed = scene.matches && !isMatch;
        const frame = scene.frameOf(v);
        const name = scene.nameOf(v);
        const room = right - left - 2 * TEXT_INSET;
        const text = ruler.cut(name, room);
        let x = left + TEXT_INSET;
        let rest;

        context.fillStyle = isMatch ? styles.matchText : dimmed ? styles.dimmedText : styles.text;
        context.fillText(text, x, middle);
        if (text.length !== name.length)
            return;
        context.fillStyle = isMatch ? styles.matchFaint : dimmed ? styles.dimmedText : styles.faint;
        x += ruler.width(name) + 8;
        rest = right - TEXT_INSET - x;
        if (rest > 150) {
            const weight = this.amountLabel(scene, v);
            const wide = ruler.width(weight);

            context.fillText(weight, right - TEXT_INSET - wide, middle);
            rest -= wide ? wide + 14 : 0;
        }
        if (v && rest > 30)
            context.fillText(ruler.cut(scene.placeOf(frame), rest), x, middle);
    }

    /* In a chain of calls that pass everything on, only the first says how much it is. */
    amountLabel(scene, v) {
        const label = scene.labelOf(v);

        return v && label === scene.labelOf(scene.layout.view.parent[v]) ? "" : label;
    }
}

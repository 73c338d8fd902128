// The sheet that a map is drawn on: dots, or thumbnails where few are in view; moved by mouse, fingers and keys.
//
// Dots are written into the pixels by themselves, which takes some milliseconds for 100,000; the canvas' own circles
// would take a second.

const CLOSEST = 2000; // times nearer than all of it
const FEW = 300; // dots in view that may be thumbnails
const MARGIN = 0.92;
const NEAR = 14; // pixels around a dot that count as on it
const STILL = 140; // milliseconds without a move before thumbnails are fetched
const KEPT = 400; // thumbnails
const STRIDE = 60; // pixels that an arrow key moves

export class Sheet {
  /** told: {moved(), spotted(index, pinned), chose(indices)}; thumb(index): promise of a thumbnail's URL or null. */
  constructor(element, told, thumb) {
    Object.assign(this, { element, told, thumb });
    this.canvas = element.querySelector("canvas");
    this.line = element.querySelector(".lasso path");
    this.context = this.canvas.getContext("2d");
    this.count = 0;
    this.center = { x: 0.5, y: 0.5 };
    this.zoom = 1;
    this.span = { x: 1, y: 1 };
    this.pointers = new Map();
    this.pictures = new Map(); // index -> Image, or null where there is none
    this.hidden = new Set();
    this.tool = false;
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(element);
    this.#resize();
  }

  /** x, y: Float32Array in [0, 1], y downwards. */
  place(x, y) {
    Object.assign(this, { x, y, count: x.length });
    this.span = { x: spread(x), y: spread(y) };
    this.codes = new Int16Array(this.count);
    this.chosen = new Uint8Array(this.count);
    this.chosenCount = 0;
    this.draw();
  }

  /** codes: Int16Array, below 0 for none, below -1 for gone; table: [r, g, b] of each code; none: of no value. */
  paint(codes, table, none, ground) {
    Object.assign(this, { codes, table, none, ground });
    this.draw();
  }

  look(x, y, zoom) {
    this.zoom = Math.min(CLOSEST, Math.max(0.7, zoom));
    this.center = { x: Math.min(1.2, Math.max(-0.2, x)), y: Math.min(1.2, Math.max(-0.2, y)) };
    this.told.moved();
    this.draw();
  }

  /** Zoom by a factor, the place under (px, py) staying where it is. */
  zoomBy(factor, px = this.width / 2, py = this.height / 2) {
    const zoom = Math.min(CLOSEST, Math.max(0.7, this.zoom * factor));
    const before = this.#under(px, py);
    const moved = this.scale * (zoom / this.zoom);
    this.look(before.x - (px - this.width / 2) / moved, before.y - (py - this.height / 2) / moved, zoom);
  }

  choose(indices) {
    this.chosen.fill(0);
    for (const index of indices) this.chosen[index] = 1;
    this.chosenCount = indices.length;
    this.draw();
    this.told.chose(indices);
  }

  select(on) {
    this.tool = on;
    this.element.classList.toggle("selecting", on);
  }

  get scale() {
    return Math.min(this.width / this.span.x, this.height / this.span.y) * MARGIN * this.zoom;
  }

  at(index) {
    return {
      x: (this.x[index] - this.center.x) * this.scale + this.width / 2,
      y: (this.y[index] - this.center.y) * this.scale + this.height / 2,
    };
  }

  /** Those that can be seen and are in view, at most so many. */
  inView(most = Infinity) {
    const [halfX, halfY] = [this.width / 2 / this.scale, this.height / 2 / this.scale];
    const found = [];
    for (let index = 0; index < this.count && found.length < most; index++) {
      if (Math.abs(this.x[index] - this.center.x) > halfX || Math.abs(this.y[index] - this.center.y) > halfY) continue;
      if (this.#shows(index)) found.push(index);
    }
    return found;
  }

  draw() {
    this.wanted ??= requestAnimationFrame(() => {
      this.wanted = null;
      this.#draw();
    });
  }

  #shows(index) {
    const code = this.codes[index];
    return code > -2 && !this.hidden.has(code);
  }

  #resize() {
    this.ratio = Math.min(3, window.devicePixelRatio || 1);
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.pixels = null;
    this.draw();
  }

  #under(px, py) {
    return { x: (px - this.width / 2) / this.scale + this.center.x, y: (py - this.height / 2) / this.scale + this.center.y };
  }

  #draw() {
    if (!this.table || !this.canvas.width) return;
    const { width, height } = this.canvas;
    this.pixels ??= new ImageData(width, height);
    new Uint32Array(this.pixels.data.buffer).fill(packed(this.ground));
    const visible = this.inView();
    this.few = visible.length <= FEW;
    const radius = this.#radius(visible.length);
    const plain = stamp(radius * this.ratio);
    const first = this.chosenCount ? visible.filter((index) => !this.chosen[index]) : visible;
    this.#dots(first, plain, this.chosenCount ? 0.22 : 1);
    if (this.chosenCount) this.#dots(visible.filter((index) => this.chosen[index]), stamp((radius + 0.6) * this.ratio), 1);
    this.context.putImageData(this.pixels, 0, 0);
    if (this.few) this.#thumbnails(visible);
  }

  #radius(visible) {
    const room = Math.sqrt((this.width * this.height) / Math.max(visible, 1));
    return Math.min(6, Math.max(1.1, room / 5));
  }

  #dots(indices, dot, strength) {
    const { data, width, height } = this.pixels;
    const [scale, halfX, halfY] = [this.scale * this.ratio, width / 2, height / 2];
    const ground = this.ground;
    const fade = (color) => color.map((part, place) => Math.round(ground[place] + (part - ground[place]) * strength));
    const [table, none] = [this.table.map(fade), fade(this.none)];
    for (const index of indices) {
      const px = Math.round((this.x[index] - this.center.x) * scale + halfX);
      const py = Math.round((this.y[index] - this.center.y) * scale + halfY);
      const color = table[this.codes[index]] ?? none;
      for (let place = 0; place < dot.count; place++) {
        const x = px + dot.dx[place];
        const y = py + dot.dy[place];
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const to = 4 * (y * width + x);
        const [share, ring] = [dot.share[place], dot.ring[place]];
        for (let part = 0; part < 3; part++) {
          const under = data[to + part] + (ground[part] - data[to + part]) * ring;
          data[to + part] = under + (color[part] - under) * share;
        }
      }
    }
  }

  // Thumbnails go where they don't hide each other; the others stay dots until one looks closer.
  #thumbnails(visible) {
    const room = Math.sqrt((this.width * this.height) / Math.max(visible.length, 1));
    const side = Math.min(112, Math.max(44, room * 0.62));
    const taken = [];
    this.shown = [];
    for (const index of visible) {
      const { x, y } = this.at(index);
      if (taken.some((other) => Math.abs(other.x - x) < side * 0.92 && Math.abs(other.y - y) < side * 0.92)) continue;
      taken.push({ x, y });
      this.shown.push({ index, x, y, side });
    }
    for (const one of this.shown) {
      const picture = this.pictures.get(one.index);
      if (picture?.complete && picture.naturalWidth) this.#thumbnail(picture, one);
    }
    clearTimeout(this.later);
    this.later = setTimeout(() => this.#fetch(), STILL);
  }

  #thumbnail(picture, { index, x, y, side }) {
    const fit = side / Math.max(picture.naturalWidth, picture.naturalHeight);
    const [w, h] = [picture.naturalWidth * fit, picture.naturalHeight * fit];
    const context = this.context;
    context.save();
    context.scale(this.ratio, this.ratio);
    const color = this.table[this.codes[index]] ?? this.none;
    context.fillStyle = `rgb(${color.join(" ")})`;
    context.beginPath();
    context.roundRect(x - w / 2 - 2.5, y - h / 2 - 2.5, w + 5, h + 5, 6);
    context.fill();
    context.beginPath();
    context.roundRect(x - w / 2, y - h / 2, w, h, 4);
    context.clip();
    context.drawImage(picture, x - w / 2, y - h / 2, w, h);
    context.restore();
    if (this.chosenCount && !this.chosen[index]) this.#veil(x, y, w, h);
  }

  #veil(x, y, w, h) {
    const { context, ratio } = this;
    context.save();
    context.scale(ratio, ratio);
    context.fillStyle = `rgb(${this.ground.join(" ")} / 72%)`;
    context.fillRect(x - w / 2 - 3.5, y - h / 2 - 3.5, w + 7, h + 7);
    context.restore();
  }

  async #fetch() {
    const missing = this.shown.filter(({ index }) => !this.pictures.has(index));
    for (const { index } of missing) this.pictures.set(index, null);
    await Promise.all(
      missing.map(async ({ index, side }) => {
        const address = await this.thumb(index, side * this.ratio > 160 ? 320 : 160).catch(() => null);
        if (!address) return;
        const picture = new Image();
        picture.onload = () => this.draw();
        picture.src = address;
        this.pictures.set(index, picture);
      }),
    );
    while (this.pictures.size > KEPT) this.pictures.delete(this.pictures.keys().next().value);
  }

  #nearest(px, py) {
    if (this.few) {
      const hit = this.shown?.findLast(({ index, x, y, side }) => {
        const picture = this.pictures.get(index);
        return picture?.naturalWidth && Math.abs(x - px) < side / 2 && Math.abs(y - py) < side / 2;
      });
      if (hit) return hit.index;
    }
    const { x, y } = this.#under(px, py);
    let best = -1;
    let least = (NEAR / this.scale) ** 2;
    for (let index = 0; index < this.count; index++) {
      const apart = (this.x[index] - x) ** 2 + (this.y[index] - y) ** 2;
      if (apart < least && this.#shows(index)) [best, least] = [index, apart];
    }
    return best;
  }

  #listen() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", (event) => this.#cancel(event));
    element.addEventListener("pointerleave", () => this.pointers.size || this.#spot(-1));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    const spot = this.#spotOf(event);
    this.zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), spot.x, spot.y);
  }

  #spotOf(event) {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event) {
    if (event.button > 0) return;
    this.element.setPointerCapture(event.pointerId);
    const spot = this.#spotOf(event);
    this.pointers.set(event.pointerId, spot);
    this.begun = { ...spot, moved: false };
    this.drawn = this.pointers.size === 1 && (this.tool || event.shiftKey) ? { rectangle: event.shiftKey, points: [spot] } : null;
    this.line.setAttribute("d", "");
  }

  #move(event) {
    const spot = this.#spotOf(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) return event.pointerType === "mouse" && this.#spot(this.#nearest(spot.x, spot.y));
    if (Math.hypot(spot.x - this.begun.x, spot.y - this.begun.y) > 4) this.begun.moved = true;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    this.pointers.set(event.pointerId, spot);
    if (this.drawn && !others.length) return this.#trace(spot);
    if (!this.begun.moved) return;
    if (others.length) {
      const [other] = others;
      const factor = Math.hypot(spot.x - other.x, spot.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      this.zoomBy(factor, (spot.x + other.x) / 2, (spot.y + other.y) / 2);
    }
    const share = 1 + others.length;
    this.look(
      this.center.x - (spot.x - before.x) / this.scale / share,
      this.center.y - (spot.y - before.y) / this.scale / share,
      this.zoom,
    );
    this.#spot(-1);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { drawn } = this;
    this.drawn = null;
    this.line.setAttribute("d", "");
    if (drawn && this.begun.moved) return this.choose(this.#inside(drawn.points));
    if (!this.begun.moved) this.told.spotted(this.#nearest(this.begun.x, this.begun.y), true);
  }

  #cancel(event) {
    this.pointers.delete(event.pointerId);
    this.drawn = null;
    this.line.setAttribute("d", "");
  }

  #trace(spot) {
    const { points, rectangle } = this.drawn;
    const [from] = points;
    if (rectangle) this.drawn.points = [from, { x: spot.x, y: from.y }, spot, { x: from.x, y: spot.y }];
    else if (Math.hypot(points.at(-1).x - spot.x, points.at(-1).y - spot.y) > 3) points.push(spot);
    this.line.setAttribute("d", `M${this.drawn.points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`);
  }

  #inside(outline) {
    const corners = outline.map(({ x, y }) => this.#under(x, y));
    const [left, right] = [Math.min(...corners.map(({ x }) => x)), Math.max(...corners.map(({ x }) => x))];
    const found = [];
    for (let index = 0; index < this.count; index++) {
      const [x, y] = [this.x[index], this.y[index]];
      if (x < left || x > right || !this.#shows(index)) continue;
      let within = false;
      for (let one = 0, other = corners.length - 1; one < corners.length; other = one++) {
        const [a, b] = [corners[one], corners[other]];
        if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) within = !within;
      }
      if (within) found.push(index);
    }
    return found;
  }

  #spot(index) {
    this.element.classList.toggle("over", index >= 0 && !this.tool);
    this.told.spotted(index, false);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STRIDE / this.scale;
    const { x, y } = this.center;
    const doing = {
      ArrowLeft: () => this.look(x - step, y, this.zoom),
      ArrowRight: () => this.look(x + step, y, this.zoom),
      ArrowUp: () => this.look(x, y - step, this.zoom),
      ArrowDown: () => this.look(x, y + step, this.zoom),
      "+": () => this.zoomBy(1.4),
      "=": () => this.zoomBy(1.4),
      "-": () => this.zoomBy(1 / 1.4),
      0: () => this.look(0.5, 0.5, 1),
      a: () => this.choose(this.inView()),
      Enter: () => this.told.spotted(this.#nearest(this.width / 2, this.height / 2), true),
      Escape: () => this.choose([]),
    }[event.key];
    if (!doing) return;
    event.preventDefault();
    doing();
  }
}

const spread = (values) => values.reduce((most, value) => Math.max(most, value), 0) - values.reduce((least, value) => Math.min(least, value), 1) || 1;

const packed = ([r, g, b]) => new Uint32Array(new Uint8Array([r, g, b, 255]).buffer)[0];

// The pixels of a dot: how much of each it covers, and how much of each a thin ring of the ground around it does.
function stamp(radius) {
  const reach = Math.ceil(radius + 1);
  const parts = { dx: [], dy: [], share: [], ring: [] };
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const away = Math.hypot(dx, dy);
      const share = Math.min(1, Math.max(0, radius + 0.5 - away));
      const ring = radius < 3 ? 0 : Math.min(1, Math.max(0, radius + 1.5 - away));
      if (share <= 0 && ring <= 0) continue;
      parts.dx.push(dx);
      parts.dy.push(dy);
      parts.share.push(share);
      parts.ring.push(ring * 0.8);
    }
  }
  return { ...parts, count: parts.dx.length };
}

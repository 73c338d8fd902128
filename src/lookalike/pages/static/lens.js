// Two pictures under one lens: zoom and pan locked together, flip, slider, difference. Every view is a link as well.

const lens = document.querySelector("[data-lens]");
const planes = [...lens.querySelectorAll(".plane")];
const over = lens.querySelector(".over");
const laid = over.querySelector("img");
const align = lens.querySelector("[data-align]");
const flip = lens.querySelector("[data-flip]");
const wipe = lens.querySelector("[data-wipe]");
const transform = lens.dataset.transform?.split(" ").map(Number);
const [NEAREST, STEP, SHIFT] = [40, 1.3, 0.08];
const at = { zoom: 1, x: 0, y: 0 }; // the offset in shares of a picture, so that pictures of any size move alike
const fingers = new Map(); // pointers that are down -> where they were last
let moved = 0; // pixels since the first came down; a tap moves next to none

for (const tool of lens.querySelectorAll("[data-scripted]")) tool.hidden = false;
for (const link of lens.querySelectorAll("[data-to]")) link.addEventListener("click", onView);
for (const button of lens.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => press(button.dataset.zoom));
for (const stage of lens.querySelectorAll("[data-stage]")) watch(stage);
wipe.addEventListener("input", showWipe);
align?.addEventListener("change", showAligned);
new ResizeObserver(showAligned).observe(lens.querySelector(".under"));
show();
showWipe();

function watch(stage) {
  stage.addEventListener("wheel", onWheel, { passive: false });
  stage.addEventListener("pointerdown", onDown);
  stage.addEventListener("pointermove", onMove);
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, onUp);
  stage.addEventListener("keydown", onKey);
}

function onView(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const link = event.currentTarget;
  lens.dataset.view = link.dataset.to;
  for (const other of lens.querySelectorAll("[data-to]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  history.replaceState(null, "", link.href);
  show();
}

function onWheel(event) {
  if (event.deltaY > 0 && at.zoom === 1) return; // nothing to zoom out of: the page scrolls on
  event.preventDefault();
  zoomAt(event, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)));
}

function onDown(event) {
  if (event.button) return;
  event.currentTarget.setPointerCapture(event.pointerId);
  if (!fingers.size) moved = 0;
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
}

function onMove(event) {
  const last = fingers.get(event.pointerId);
  if (!last) return;
  const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
  moved += Math.abs(dx) + Math.abs(dy);
  const before = span();
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  const plane = planeOf(event.currentTarget, event);
  if (fingers.size === 1 && lens.dataset.view === "slider") return slide(plane, event);
  move(dx / plane.offsetWidth / fingers.size, dy / plane.offsetHeight / fingers.size);
  if (before) zoomAt(middle(event), span() / before);
}

function onUp(event) {
  if (!fingers.delete(event.pointerId)) return;
  if (event.type === "pointerup" && moved < 5 && lens.dataset.view === "flip") flip.checked = !flip.checked;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const does = {
    "+": () => press("in"),
    "=": () => press("in"),
    "-": () => press("out"),
    0: () => press("whole"),
    f: () => flipOver(),
    ArrowLeft: () => move(SHIFT, 0),
    ArrowRight: () => move(-SHIFT, 0),
    ArrowUp: () => move(0, SHIFT),
    ArrowDown: () => move(0, -SHIFT),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!does || (event.key.startsWith("Arrow") && at.zoom === 1)) return;
  event.preventDefault();
  does();
}

function flipOver() {
  if (lens.dataset.view === "flip") flip.checked = !flip.checked;
  else {
    lens.querySelector("[data-to=flip]").click();
    lens.querySelector(".stack").focus();
  }
}

function press(way) {
  if (way === "whole") Object.assign(at, { zoom: 1, x: 0, y: 0 });
  else zoom(way === "in" ? STEP : 1 / STEP, 0.5, 0.5);
  show();
}

function zoomAt(point, factor) {
  const plane = planeOf(point.currentTarget, point);
  const box = plane.parentElement.getBoundingClientRect();
  zoom(factor, (point.clientX - box.left - plane.offsetLeft) / plane.offsetWidth, (point.clientY - box.top - plane.offsetTop) / plane.offsetHeight);
}

// Keep what lies at (x, y) of the window where it is.
function zoom(factor, x, y) {
  const next = Math.min(NEAREST, Math.max(1, at.zoom * factor));
  at.x = x - ((x - at.x) * next) / at.zoom;
  at.y = y - ((y - at.y) * next) / at.zoom;
  at.zoom = next;
  show();
}

function move(x, y) {
  at.x += x;
  at.y += y;
  show();
}

function slide(plane, event) {
  const box = plane.getBoundingClientRect();
  wipe.value = (100 * (event.clientX - box.left)) / box.width;
  showWipe();
}

function show() {
  at.x = Math.min(0, Math.max(1 - at.zoom, at.x));
  at.y = Math.min(0, Math.max(1 - at.zoom, at.y));
  for (const plane of planes) {
    plane.style.transform = `translate(${at.x * 100}%, ${at.y * 100}%) scale(${at.zoom})`;
    plane.style.setProperty("--zoom", at.zoom);
  }
  lens.classList.toggle("near", at.zoom > 1);
  lens.querySelector("[data-percent]").textContent = `${Math.round(at.zoom * 100)}%`;
}

function showWipe() {
  lens.style.setProperty("--wipe", `${wipe.value}%`);
}

// The first picture fills the box of the second; in place, its unit square goes where its keypoints say.
function showAligned() {
  if (!transform || !align.checked) {
    laid.style.transform = "";
    return;
  }
  const { offsetWidth: w, offsetHeight: h } = over;
  const [a, b, c, d, e, f, g, i, j] = transform;
  const rows = [a, (d * h) / w, 0, g / w, (b * w) / h, e, 0, i / h, 0, 0, 1, 0, c * w, f * h, 0, j];
  laid.style.transform = `matrix3d(${rows.join(", ")})`;
}

function planeOf(stage, point) {
  const own = [...stage.querySelectorAll(".plane")];
  return own.find((plane) => point.clientX <= plane.parentElement.getBoundingClientRect().right) ?? own.at(-1);
}

function span() {
  if (fingers.size < 2) return 0;
  const [one, other] = fingers.values();
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function middle(event) {
  const [one, other] = fingers.values();
  return { currentTarget: event.currentTarget, clientX: (one.x + other.x) / 2, clientY: (one.y + other.y) / 2 };
}

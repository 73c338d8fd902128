// A box drawn on the picture: the part of it that is looked for.

const frame = document.querySelector("[data-box]");
const drawing = frame.querySelector(".box");
const fields = [...document.querySelectorAll("input[name=box]")];
const LEAST = 4; // percent of a side; less was a tap
let from = null;

document.querySelector(".box-hint").hidden = false;
frame.classList.add("drawable");
frame.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  from = place(event);
  frame.setPointerCapture(event.pointerId);
});
frame.addEventListener("pointermove", (event) => from && draw(sides(from, place(event))));
frame.addEventListener("pointercancel", () => (from = null));
frame.addEventListener("pointerup", onUp);

function onUp(event) {
  if (!from) return;
  const box = sides(from, place(event));
  from = null;
  const [left, top, right, bottom] = box;
  if (right - left < LEAST || bottom - top < LEAST) return drawing.replaceChildren();
  fields.forEach((field, side) => (field.value = box[side].toFixed(1)));
  fields[0].form.requestSubmit();
}

function place(event) {
  const { left, top, width, height } = frame.querySelector("img").getBoundingClientRect();
  const inside = (share) => Math.min(100, Math.max(0, 100 * share));
  return [inside((event.clientX - left) / width), inside((event.clientY - top) / height)];
}

function sides([x, y], [u, v]) {
  return [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];
}

function draw([left, top, right, bottom]) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) {
    rect.setAttribute(name, value);
  }
  drawing.replaceChildren(rect);
}

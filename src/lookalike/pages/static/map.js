// The map: fetches the dots and what colors them, and keeps what is seen in the URL.

import { Choice, Records, pictured } from "./mapchoice.js";
import { Sheet } from "./mapsheet.js";

const FACTS = 5; // fields of a record beside its thumbnail
const PAUSE = 300; // milliseconds before the URL follows a move
const GRID = 65_535;
const NONE = "-";

const root = document.querySelector("[data-map]");
const name = root.dataset.map;
const description = root.dataset.description;
const looks = JSON.parse(root.dataset.looks);
const api = `/v1/collections/${encodeURIComponent(name)}`;
const home = `/collections/${encodeURIComponent(name)}`;
const spot = root.querySelector("[data-spot]");
const status = root.querySelector("[data-status]");
const legend = root.querySelector("[data-legend]");
const picker = document.querySelector("[data-asking] [name=color]");
const dark = matchMedia("(prefers-color-scheme: dark)");
const records = new Records(api);

let ids = [];
let drawnAt = "";
let coloring = null;
let spotted = -1;
let pinned = false;
let settle = 0;

const sheet = new Sheet(root.querySelector("[data-sheet]"), { moved, spotted: show, chose }, thumbnail);
const choice = new Choice(root.querySelector("[data-chosen]"), name, records, {
  changed: (gone) => {
    if (gone) sheet.choose([]);
    color();
  },
  clear: () => sheet.choose([]),
});

begin();

async function begin() {
  try {
    const map = await asked(`/map?description=${encodeURIComponent(description)}`);
    ids = map.ids;
    drawnAt = map.changed;
    sheet.place(Float32Array.from(map.x, (x) => x / GRID), Float32Array.from(map.y, (y) => 1 - y / GRID));
    paint();
    const [x, y, zoom] = (new URLSearchParams(location.search).get("at") ?? "").split(",").map(Number);
    if (zoom) sheet.look(x, y, zoom);
    await color();
  } catch (error) {
    say(`The map could not be loaded: ${error.message}`);
  }
}

async function asked(path) {
  const answer = await fetch(api + path);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail ?? answer.statusText);
  return said;
}

function say(text) {
  status.textContent = text;
  status.hidden = !text;
}

// Fetch what colors the dots. Even without a color it tells which records are gone, and how many are new.
async function color() {
  const field = picker.value;
  say(field === NONE ? "" : `Reading ${field}…`);
  const found = await asked(`/map/colors?field=${encodeURIComponent(field)}&description=${encodeURIComponent(description)}`);
  if (field !== picker.value) return;
  if (found.changed !== drawnAt) return location.reload();
  say("");
  coloring = { ...found, field, codes: Int16Array.from(found.codes) };
  if (field === NONE) coloring.codes = coloring.codes.map((code) => (code === -2 ? code : 0));
  hide();
  paint();
  explain();
  tellSince(found);
}

// What the URL names of a code: its value, null for none, [] for all other values.
function named(code) {
  if (code === -1) return null;
  return code < coloring.values.length ? coloring.values[code].value : [];
}

function hide() {
  let wanted = [];
  try {
    wanted = JSON.parse(new URLSearchParams(location.search).get("hide") ?? "[]").map((value) => JSON.stringify(value));
  } catch {
    // somebody has typed it: nothing is hidden
  }
  sheet.hidden.clear();
  if (coloring.kind === "numbers") return;
  for (let code = -1; code <= coloring.values.length; code++) {
    if (wanted.includes(JSON.stringify(named(code)))) sheet.hidden.add(code);
  }
}

function tellSince({ since, codes }) {
  const gone = codes.reduce((sum, code) => sum + (code === -2), 0);
  const update = document.querySelector("[data-since]");
  if (!since && !gone) return update?.setAttribute("hidden", "");
  const parts = [since && `${since.toLocaleString("en")} new`, gone && `${gone.toLocaleString("en")} gone`];
  say(`Since it was drawn: ${parts.filter(Boolean).join(", ")}`);
  update?.removeAttribute("hidden");
}

function look() {
  return dark.matches ? looks.dark : looks.light;
}

const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

function paint() {
  const { values, ramp, other, none, ground } = look();
  const codes = coloring?.codes ?? new Int16Array(ids.length);
  let table = [rgb(values[0])];
  if (coloring?.kind === "numbers") table = Array.from({ length: 1001 }, (_, code) => between(ramp, code / 1000));
  else if (coloring && coloring.field !== NONE) table = [...values.map(rgb), rgb(other)];
  sheet.paint(codes, table, rgb(none), rgb(ground));
}

function between(stops, share) {
  const at = Math.min(stops.length - 2, Math.floor(share * (stops.length - 1)));
  const [low, high] = [rgb(stops[at]), rgb(stops[at + 1])];
  const rest = share * (stops.length - 1) - at;
  return low.map((part, place) => Math.round(part + (high[place] - part) * rest));
}

// The legend: values to be switched on and off, or the ramp of numbers.
function explain() {
  legend.hidden = coloring.field === NONE;
  legend.querySelector("h2").textContent = coloring.field;
  const body = legend.querySelector("div");
  if (coloring.kind === "numbers") return body.replaceChildren(...ramp());
  const { values, other, none } = look();
  const counts = new Map();
  for (const code of coloring.codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  const rows = coloring.values.map(({ value }, code) => [code, typeof value === "string" ? value : JSON.stringify(value), values[code]]);
  rows.push([values.length, "other values", other], [-1, "none", none]);
  const list = document.createElement("ul");
  list.append(...rows.filter(([code]) => counts.has(code)).map(([code, text, tone]) => row(code, text, tone, counts.get(code))));
  body.replaceChildren(list);
}

function row(code, text, tone, count) {
  const [item, button, label, number] = ["li", "button", "span", "small"].map((kind) => document.createElement(kind));
  button.type = "button";
  button.setAttribute("aria-pressed", String(!sheet.hidden.has(code)));
  button.title = `Show or hide ${text}`;
  label.textContent = text;
  number.textContent = count.toLocaleString("en");
  button.append(drawn("0 0 10 10", "dot", [["circle", { cx: 5, cy: 5, r: 5, fill: tone }]]), label, number);
  button.addEventListener("click", () => {
    if (!sheet.hidden.delete(code)) sheet.hidden.add(code);
    button.setAttribute("aria-pressed", String(!sheet.hidden.has(code)));
    sheet.draw();
    remember();
  });
  item.append(button);
  return item;
}

function ramp() {
  const steps = Array.from({ length: 50 }, (_, step) => ["rect", { x: step, width: 1.1, height: 1, fill: `rgb(${between(look().ramp, step / 49).join(" ")})` }]);
  const bar = drawn("0 0 50 1", "ramp", steps);
  bar.setAttribute("preserveAspectRatio", "none");
  const ends = document.createElement("p");
  for (const end of [coloring.low, coloring.high]) {
    const text = document.createElement("span");
    text.textContent = end.toLocaleString("en", { maximumSignificantDigits: 4 });
    ends.append(text);
  }
  return [bar, ends];
}

function drawn(box, kind, parts) {
  const make = (tag, given) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
    return made;
  };
  const picture = make("svg", { viewBox: box, class: kind, "aria-hidden": "true" });
  picture.append(...parts.map(([tag, given]) => make(tag, given)));
  return picture;
}

async function thumbnail(index, size) {
  const record = await records.get(ids[index]);
  return record && pictured(record) ? `${home}/thumb?id=${encodeURIComponent(ids[index])}&size=${size}` : null;
}

// The record under the mouse; a click or a tap pins it, with its links.
async function show(index, pin) {
  if (pin) pinned = index >= 0;
  else if (pinned || index === spotted) return;
  spotted = index;
  if (index < 0) return void (spot.hidden = true);
  const record = await records.get(ids[index]).catch(() => null);
  if (spotted !== index) return;
  fill(ids[index], record);
  spot.classList.toggle("pinned", pinned);
  spot.hidden = false;
  beside(index);
  spot.querySelector("img")?.addEventListener("load", () => spotted === index && beside(index));
}

function beside(index) {
  const { x, y } = sheet.at(index);
  const [width, height] = [spot.offsetWidth, spot.offsetHeight];
  const left = x + 16 + width < sheet.width ? x + 16 : x - 16 - width;
  spot.style.left = `${Math.max(8, Math.min(left, sheet.width - width - 8))}px`;
  spot.style.top = `${Math.max(8, Math.min(y - height / 2, sheet.height - height - 8))}px`;
}

function fill(id, record) {
  const at = encodeURIComponent(id);
  const parts = [];
  if (record && pictured(record)) {
    const picture = document.createElement("img");
    Object.assign(picture, { src: `${home}/thumb?id=${at}&size=320`, alt: "" });
    parts.push(picture);
  }
  const title = document.createElement("b");
  title.textContent = id;
  const facts = document.createElement("dl");
  facts.className = "facts";
  const first = (field) => field !== picker.value;
  const told = Object.entries(record ?? {}).filter(([field]) => !field.startsWith("_") || field === picker.value);
  for (const [field, value] of told.sort(([a], [b]) => first(a) - first(b)).slice(0, FACTS)) {
    const [term, text] = ["dt", "dd"].map((kind) => document.createElement(kind));
    term.textContent = field;
    text.textContent = Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : value;
    facts.append(term, text);
  }
  const links = document.createElement("p");
  links.className = "links";
  for (const [words, room] of [["Open", "record"], ["More like this", "search"]]) {
    const link = document.createElement("a");
    Object.assign(link, { href: `${home}/${room}?id=${at}`, textContent: words });
    links.append(link);
  }
  spot.replaceChildren(...parts, title, facts, ...(pinned ? [links] : []));
}

function chose(indices) {
  choice.show(indices.map((index) => ids[index]));
}

function moved() {
  if (spotted >= 0) [spotted, pinned, spot.hidden] = [-1, false, true];
  clearTimeout(settle);
  settle = setTimeout(remember, PAUSE);
}

function remember() {
  const { center, zoom } = sheet;
  const whole = zoom === 1 && center.x === 0.5 && center.y === 0.5;
  const address = new URL(location.href);
  address.searchParams.set("color", picker.value);
  if (whole) address.searchParams.delete("at");
  else address.searchParams.set("at", [center.x.toFixed(5), center.y.toFixed(5), zoom.toFixed(2)].join(","));
  if (sheet.hidden.size) address.searchParams.set("hide", JSON.stringify([...sheet.hidden].sort().map(named)));
  else address.searchParams.delete("hide");
  history.replaceState(null, "", address);
}

const tool = root.querySelector("[data-tool]");

function selecting(on) {
  sheet.select(on);
  tool.setAttribute("aria-pressed", String(on));
}

tool.addEventListener("click", () => selecting(!sheet.tool));
for (const button of root.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => sheet.zoomBy(Number(button.dataset.zoom)));
}
root.querySelector("[data-whole]").addEventListener("click", () => sheet.look(0.5, 0.5, 1));
sheet.element.addEventListener("keydown", (event) => {
  if (event.key === "s" && !event.ctrlKey && !event.metaKey) selecting(!sheet.tool);
  if (event.key === "Escape") show(-1, true);
});
picker.addEventListener("change", () => {
  sheet.hidden.clear();
  remember();
  color().catch((error) => say(`The colors could not be loaded: ${error.message}`));
});
dark.addEventListener("change", () => {
  paint();
  if (coloring) explain();
});

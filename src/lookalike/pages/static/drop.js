// Pictures chosen, dropped or pasted: each fills a zone's file field and sends its form, as a visitor would by hand.

const zones = [...document.querySelectorAll("[data-zone]")];
let ours = false; // a drag that began on this page is not a file

export function watchDrops() {
  if (!zones.length) return;
  for (const zone of zones) {
    field(zone).addEventListener("change", () => send(zone, [...field(zone).files]));
    send(zone, [...field(zone).files]); // chosen before this script was there
    zone.addEventListener("dragover", () => zone.classList.add("over"));
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  }
  document.addEventListener("dragstart", () => (ours = true));
  document.addEventListener("dragend", () => (ours = false));
  document.addEventListener("dragover", onDragOver);
  document.addEventListener("dragleave", onDragLeave);
  document.addEventListener("drop", onDrop);
  document.addEventListener("paste", onPaste);
  window.addEventListener("pageshow", (event) => event.persisted && zones.forEach(clear));
}

const field = (zone) => zone.querySelector("input[type=file]");

function onDragOver(event) {
  if (ours || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dragging");
}

function onDragLeave(event) {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
}

function onDrop(event) {
  document.body.classList.remove("dragging");
  zones.forEach((zone) => zone.classList.remove("over"));
  if (ours || !event.dataTransfer.files.length) return;
  event.preventDefault();
  send(event.target.closest("[data-zone]") ?? firstFree(), [...event.dataTransfer.files]);
}

function onPaste(event) {
  const files = [...event.clipboardData.files];
  if (!files.length) return;
  event.preventDefault();
  send(document.activeElement?.closest("[data-zone]") ?? firstFree(), files);
}

function firstFree() {
  return zones.find((zone) => !zone.classList.contains("filled")) ?? zones[0];
}

// The first file goes into the zone; a second one, if there are two zones, into the other.
function send(zone, files) {
  if (!files.length) return;
  const form = field(zone).form;
  const unfit = files.map(fault).find(Boolean);
  if (unfit) return complain(form, unfit);
  const order = [zone, ...zones.filter((other) => other !== zone)];
  files.slice(0, order.length).forEach((file, place) => fill(order[place], file));
  form.requestSubmit();
}

function fault(file) {
  const limit = Number(document.body.dataset.maxBytes);
  if (file.type && !file.type.startsWith("image/")) return `${file.name} is not a picture.`;
  if (file.size > limit) return `${file.name} has ${file.size} bytes; the limit is ${limit}.`;
  return "";
}

function fill(zone, file) {
  const held = new DataTransfer();
  held.items.add(file);
  field(zone).files = held.files;
  zone.classList.add("busy");
}

// For a page that comes back by the back button: nothing is under way, and the same file may be chosen again.
function clear(zone) {
  zone.classList.remove("busy");
  field(zone).value = "";
}

function complain(form, sentence) {
  const place = form.querySelector(".trouble");
  place.textContent = sentence;
  place.hidden = false;
}

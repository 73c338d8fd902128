// The import page: pictures go to the API a few at a time, tables become jobs; how far it is stays after a reload.

import { chosen, dropped, idsOf, pasted, sorted } from "./gather.js";
import { Sender } from "./sender.js";

const SHOWN = 200; // failures listed
const form = document.querySelector("[data-bring]");
const card = document.querySelector("[data-upload]");
const part = (name) => card.querySelector(`[data-${name}]`);
const csrf = document.querySelector("meta[name=csrf]").content;
const collection = form.dataset.collection;
const api = `/v1/collections/${encodeURIComponent(collection)}`;
const memory = `import:${collection}`;
const limit = Number(document.body.dataset.maxBytes);
let sender = null;
let left = [];
let depth = 0;
const jobs = []; // begun for tables
const jobsOfCollection = `/jobs?collection=${encodeURIComponent(collection)}`;

form.querySelectorAll("[data-pick]").forEach((field) =>
  field.addEventListener("change", () => {
    const brought = chosen(field);
    field.value = "";
    take(brought);
  }),
);
document.addEventListener("dragenter", (event) => carriesFiles(event) && (depth++, over(true)));
document.addEventListener("dragleave", () => depth && --depth === 0 && over(false));
document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  depth = 0;
  over(false);
  if (!carriesFiles(event)) return;
  event.preventDefault();
  take(await dropped(event.dataTransfer));
});
document.addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  take(pasted(event.clipboardData));
});
window.addEventListener("beforeunload", (event) => sender?.running && event.preventDefault());
part("cancel").addEventListener("click", () => sender.cancel());
part("again").addEventListener("click", () => sender.again());
part("close").addEventListener("click", () => {
  sessionStorage.removeItem(memory);
  [sender, left] = [null, []];
  card.hidden = true;
});
recall();

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}

function over(is) {
  form.querySelector("[data-drophere]").classList.toggle("hovered", is);
}

async function take(brought) {
  const { pictures, tables, lists, others } = sorted(brought);
  left.push(...others.map(({ path }) => path));
  if (lists.length) {
    const texts = await Promise.all(lists.map(({ file }) => file.text()));
    const field = form.elements.addresses;
    field.value = [field.value.trim(), ...texts.map((text) => text.trim())].filter(Boolean).join("\n");
    field.focus();
  }
  if (pictures.length || (others.length && !tables.length)) sendPictures(pictures);
  for (const table of tables) if (!(await sendTable(table))) return;
  if (tables.length && !sender?.running) location.assign(jobs.length === 1 ? `/jobs/${jobs[0]}` : jobsOfCollection);
}

function sendPictures(pictures) {
  if (!sender || sender.stopped || sender.trouble) {
    const rule = encodeURIComponent(form.elements.existing.value);
    sender = new Sender(`${api}/records?existing=${rule}`, csrf, form.elements.batch.value.trim(), show);
  }
  const ids = idsOf(pictures.map(({ path }) => path));
  sender.add(pictures.map(({ file, unreadable }, place) => ({ id: ids[place], file, reason: fault(file, unreadable) })));
  card.scrollIntoView({ block: "nearest" });
}

function fault(file, unreadable) {
  if (unreadable) return "it can't be read from your disk";
  return file.size > limit ? `it has ${file.size.toLocaleString("en")} bytes; the limit is ${limit.toLocaleString("en")}` : "";
}

// Upload a table, which becomes a job; returns whether it did. An XMLHttpRequest, as fetch doesn't tell how much of a body is sent.
function sendTable({ file, form: format }) {
  const rules = new URLSearchParams({ format, existing: form.elements.existing.value });
  if (form.elements.batch.value.trim()) rules.set("batch", form.elements.batch.value.trim());
  for (const pair of form.elements.rename.value.split(",")) if (pair.trim()) rules.append("rename", pair.trim());
  const request = new XMLHttpRequest();
  request.open("POST", `${api}/import?${rules}`);
  request.setRequestHeader("X-CSRF-Token", csrf);
  if (/\.gz$/i.test(file.name)) request.setRequestHeader("Content-Encoding", "gzip");
  request.responseType = "json";
  begin(`Uploading ${file.name}`);
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    Object.assign(part("meter"), { max: total, value: loaded });
    part("told").textContent = `${Math.floor((100 * loaded) / total)}% is there; then it goes on in the background`;
  });
  const cancel = () => request.abort();
  part("cancel").addEventListener("click", cancel, { once: true });
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => {
      part("cancel").removeEventListener("click", cancel);
      if (request.status === 202) jobs.push(encodeURIComponent(request.response.id));
      else end(request.response?.detail ?? "It was not sent: canceled, or the service is away.");
      resolve(request.status === 202);
    });
    request.send(file);
  });
}

function begin(title) {
  card.hidden = false;
  part("title").textContent = title;
  state("under way", "near");
  part("trouble").hidden = true;
  for (const name of ["again", "see", "close"]) part(name).hidden = true;
  part("cancel").hidden = false;
}

function end(trouble) {
  state("failed", "bad");
  part("trouble").textContent = trouble;
  part("trouble").hidden = false;
  part("cancel").hidden = true;
  part("close").hidden = false;
}

function state(words, tone) {
  part("state").textContent = words;
  part("state").className = `badge tone-${tone}`;
}

function show() {
  const { counts, failed, trouble, stopped, done, running } = sender;
  const snapshot = {
    ...counts,
    done,
    trouble,
    failed: failed.slice(0, SHOWN).map(({ id, reason }) => ({ id, reason })),
    failures: failed.length,
    left: left.slice(0, SHOWN),
    state: running ? "running" : stopped ? "canceled" : trouble ? "stopped" : "done",
  };
  try {
    sessionStorage.setItem(memory, JSON.stringify(snapshot));
  } catch {
    sessionStorage.removeItem(memory); // too long to be kept: after a reload it is not told
  }
  draw(snapshot);
}

function draw(run) {
  const words = { running: "under way", canceled: "canceled", stopped: "stopped", done: "done", left: "interrupted" };
  const over = run.state !== "running";
  begin(over ? "Import of pictures" : "Importing pictures");
  state(words[run.state], { running: "near", done: "same" }[run.state] ?? "alike");
  Object.assign(part("meter"), { max: run.total || 1, value: run.total ? run.done : 1 });
  part("told").textContent = told(run);
  part("trouble").hidden = !run.trouble;
  part("trouble").textContent = run.trouble;
  part("cancel").hidden = over;
  part("again").hidden = !over || !run.failures || !sender?.failed.some(({ file }) => file) || sender.stopped;
  part("see").hidden = !over || !(run.inserted + run.updated + run.skipped);
  part("close").hidden = !over;
  list(run);
}

function told(run) {
  const number = (count) => count.toLocaleString("en");
  if (!run.total) return "There was no picture among them.";
  const counts = [["new", run.inserted], ["changed", run.updated], ["left as they were", run.skipped], ["failed", run.failures]];
  const parts = counts.filter(([, count]) => count).map(([word, count]) => `${number(count)} ${word}`);
  const text = [`${number(run.done)} of ${number(run.total)} pictures`, ...parts].join(" · ");
  if (run.state !== "left") return text;
  return `${text}. The page was left meanwhile. Drop the same files again to go on; what is there already is not described twice.`;
}

function list(run) {
  part("failed").hidden = !run.failed.length;
  const more = run.failures - run.failed.length;
  const rows = run.failed.map(({ id, reason }) => line(id, reason));
  part("list").replaceChildren(...rows, ...(more ? [line("", `and ${more.toLocaleString("en")} more`)] : []));
  part("left").hidden = !run.left.length;
  part("left").querySelector("summary").textContent =
    run.left.length === 1 ? "1 file is no picture and was left out" : `${run.left.length} files are no pictures and were left out`;
  part("left").querySelector("p").textContent = run.left.join(", ");
}

function line(id, reason) {
  const [row, name, why] = ["li", "b", "span"].map((kind) => document.createElement(kind));
  name.textContent = id;
  why.textContent = reason;
  row.append(name, " ", why);
  return row;
}

// What this tab was at when the page was loaded again.
function recall() {
  const kept = JSON.parse(sessionStorage.getItem(memory) ?? "null");
  if (kept) draw({ ...kept, state: kept.state === "running" ? "left" : kept.state });
}

// What is done with the records chosen on a map: tagged, shown, saved, deleted; by the public API.

const AT_ONCE = 500; // records a request
const SHOWN = 12;
const LONGEST = 6000; // letters of a link

/** The records of a collection by id, fetched some at a time and remembered. */
export class Records {
  constructor(api) {
    this.api = api;
    this.known = new Map();
    this.asked = new Map();
  }

  /** A promise of the record, null where there is none. */
  get(id) {
    if (this.known.has(id)) return Promise.resolve(this.known.get(id));
    if (!this.asked.size) setTimeout(() => this.#ask(), 20);
    if (!this.asked.has(id)) this.asked.set(id, Promise.withResolvers?.() ?? deferred());
    return this.asked.get(id).promise;
  }

  async #ask() {
    const asked = this.asked;
    this.asked = new Map();
    try {
      const found = new Map();
      for await (const records of this.all([...asked.keys()])) for (const one of records) found.set(one._id, one);
      for (const [id, answer] of asked) {
        this.known.set(id, found.get(id) ?? null);
        answer.resolve(this.known.get(id));
      }
      while (this.known.size > 5000) this.known.delete(this.known.keys().next().value);
    } catch (error) {
      for (const answer of asked.values()) answer.reject(error);
    }
  }

  async *all(ids) {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      yield (await this.send("POST", "/scroll", { where: { _id: { $in: some } }, limit: AT_ONCE })).records;
    }
  }

  forget(ids) {
    for (const id of ids) this.known.delete(id);
  }

  async send(method, path, body) {
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]").content };
    const answer = await fetch(this.api + path, { method, headers, body: JSON.stringify(body) });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail ?? answer.statusText);
    return said;
  }
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** The panel of the chosen. changed(): records have other fields or are gone; clear(): choose none. */
export class Choice {
  constructor(panel, name, records, { changed, clear }) {
    Object.assign(this, { panel, name, records, changed });
    this.ids = [];
    this.home = `/collections/${encodeURIComponent(name)}`;
    this.on("[data-none]", "click", clear);
    this.on("[data-csv]", "click", () => this.#busy(() => this.#save()));
    this.on("[data-delete]", "click", () => this.#ask());
    this.on("[data-tag]", "submit", (event) => {
      event.preventDefault();
      this.#busy(() => this.#tag(event.target.elements.tags));
    });
  }

  on(selector, event, doing) {
    this.panel.querySelector(selector)?.addEventListener(event, doing);
  }

  show(ids) {
    this.ids = ids;
    this.panel.hidden = !ids.length;
    if (!ids.length) return;
    this.panel.querySelector("[data-count]").textContent = `${counted(ids.length)} chosen`;
    this.#say("");
    const link = this.panel.querySelector("[data-open]");
    const target = `${this.home}?filter=${encodeURIComponent(JSON.stringify({ _id: { $in: ids } }))}`;
    link.hidden = target.length > LONGEST;
    link.href = target;
    if (link.hidden) {
      const tagging = this.panel.querySelector("[data-tag]");
      this.#say(tagging ? "Too many for a link: tag them to look at them, or to filter by the tag." : "Too many for a link: save them as CSV.");
    }
    this.#thumbnails(ids.slice(0, SHOWN));
  }

  async #thumbnails(ids) {
    const list = this.panel.querySelector(".some");
    const found = await Promise.all(ids.map((id) => this.records.get(id).catch(() => null)));
    if (ids[0] !== this.ids[0]) return;
    list.replaceChildren(
      ...found.filter((one) => one && pictured(one)).map((one) => {
        const [item, link, picture] = ["li", "a", "img"].map((kind) => document.createElement(kind));
        link.href = `${this.home}/record?id=${encodeURIComponent(one._id)}`;
        Object.assign(picture, { src: `${this.home}/thumb?id=${encodeURIComponent(one._id)}&size=160`, alt: one._id, title: one._id, loading: "lazy" });
        link.append(picture);
        item.append(link);
        return item;
      }),
    );
  }

  async #busy(doing) {
    const buttons = this.panel.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      await doing();
    } catch (error) {
      this.#say(`That did not work: ${error.message}`);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  async #tag(field) {
    const tags = field.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    if (!tags.length) return;
    const ids = this.ids;
    let done = 0;
    for await (const records of this.records.all(ids)) {
      const tagged = records.map(({ _id, tags: had = [] }) => ({ _id, tags: [...new Set([had, tags].flat())] }));
      done += (await this.records.send("PATCH", "/records", { records: tagged })).updated.length;
      this.#say(`${counted(done)} tagged…`);
    }
    field.value = "";
    this.records.forget(ids);
    this.#say(`${counted(done)} tagged. `);
    const link = document.createElement("a");
    link.href = `${this.home}?filter=${encodeURIComponent(JSON.stringify({ tags: tags[0] }))}`;
    link.textContent = `Show all with “${tags[0]}”`;
    this.panel.querySelector("[data-said]").append(link);
    this.changed();
  }

  async #save() {
    const rows = [];
    for await (const records of this.records.all(this.ids)) rows.push(...records);
    const names = ["_id", ...new Set(rows.flatMap(Object.keys).filter((field) => !field.startsWith("_")))];
    const lines = [names, ...rows.map((row) => names.map((field) => row[field]))];
    const text = lines.map((line) => line.map(cell).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
    link.download = `${this.name}-chosen.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
    this.#say(`${counted(rows.length)} saved.`);
  }

  #ask() {
    const dialog = document.querySelector("dialog[data-sure]");
    const ids = this.ids;
    dialog.querySelector("h2").textContent = `Delete ${counted(ids.length)}?`;
    dialog.returnValue = "";
    dialog.onclose = () => dialog.returnValue === "delete" && this.#busy(() => this.#delete(ids));
    dialog.showModal();
  }

  async #delete(ids) {
    for (let at = 0; at < ids.length; at += 10_000) {
      await this.records.send("POST", "/records/delete", { ids: ids.slice(at, at + 10_000), keep: true });
    }
    this.records.forget(ids);
    this.changed(ids);
  }

  #say(text) {
    const said = this.panel.querySelector("[data-said]");
    said.textContent = text;
    said.hidden = !text;
  }
}

export const pictured = (record) => Boolean(record._file || record._url);

const counted = (number) => `${number.toLocaleString("en")} record${number === 1 ? "" : "s"}`;

function cell(value) {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === "string" ? `'${text}` : text; // no formulas
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Pictures to the API, a few at a time. An error of one picture is that picture's alone.

const MOST = 8; // pictures at once
const BYTES = 4_000_000; // of pictures at once, unless one alone has more
const AT_ONCE = 2;
const TRIES = 5;
const PATIENCE = 120; // seconds that the service may ask us to wait
const STOPS = [401, 403, 404, 409, 410, 507];

export class Sender {
  /** address: of the collection's records, with its parameters. told: called whenever the counts have changed. */
  constructor(address, csrf, batch, told) {
    Object.assign(this, { address, csrf, batch, told });
    this.queue = [];
    this.failed = []; // {id, file, reason}
    this.counts = { total: 0, inserted: 0, updated: 0, skipped: 0 };
    this.trouble = "";
    this.running = 0;
    this.abort = new AbortController();
  }

  get done() {
    return this.counts.inserted + this.counts.updated + this.counts.skipped + this.failed.length;
  }

  get stopped() {
    return this.abort.signal.aborted;
  }

  /** Take more pictures, [{id, file, reason}], of which those with a reason have failed already. */
  add(items) {
    this.counts.total += items.length;
    this.failed.push(...items.filter((item) => item.reason));
    this.queue.push(...items.filter((item) => !item.reason));
    while (this.running < AT_ONCE && this.running < this.queue.length) this.#work();
    this.told();
  }

  cancel() {
    this.queue = [];
    this.abort.abort();
    this.told();
  }

  /** Send those that failed once more. */
  again() {
    const failed = this.failed.map(({ id, file }) => ({ id, file }));
    this.failed = [];
    this.counts.total -= failed.length;
    this.trouble = "";
    this.add(failed);
  }

  async #work() {
    this.running++;
    while (this.queue.length && !this.stopped && !this.trouble) {
      await this.#send(this.#take());
      this.told();
    }
    this.running--;
    this.told();
  }

  #take() {
    const taken = [this.queue.shift()];
    let bytes = taken[0].file.size;
    while (this.queue.length && taken.length < MOST && bytes + this.queue[0].file.size <= BYTES) {
      bytes += this.queue[0].file.size;
      taken.push(this.queue.shift());
    }
    return taken;
  }

  async #send(items) {
    const read = await Promise.all(items.map(recordOf));
    const good = items.filter((item, place) => read[place] || !this.#fail(item, "it can't be read from your disk any more"));
    if (!good.length) return;
    const records = read.filter(Boolean).map((record) => (this.batch ? { ...record, _batch: this.batch } : record));
    const answer = await this.#post({ records });
    if (this.stopped) return;
    if (answer.ok) return this.#count(good, answer.body);
    if (STOPS.includes(answer.status)) this.trouble ||= answer.detail;
    if (good.length > 1 && !this.trouble && answer.status) for (const item of good) await this.#send([item]);
    else for (const item of good) this.#fail(item, answer.detail);
  }

  #count(items, body) {
    for (const name of ["inserted", "updated", "skipped"]) this.counts[name] += body[name].length;
    const byId = new Map(items.map((item) => [item.id, item]));
    for (const { _id: id, reason } of body.failed) this.#fail(byId.get(id) ?? { id }, reason);
  }

  #fail(item, reason) {
    this.failed.push({ ...item, reason });
    return true;
  }

  /** Post, and wait and try again where that may help. Returns {ok, status, body, detail}; status 0: no answer. */
  async #post(body) {
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": this.csrf };
    const request = { method: "POST", headers, body: JSON.stringify(body), signal: this.abort.signal };
    let last = { ok: false, status: 0, detail: "the service could not be reached" };
    for (let attempt = 0; attempt < TRIES && !this.stopped; attempt++) {
      const answer = await fetch(this.address, request).catch(() => null);
      const wait = Number(answer?.headers.get("Retry-After") ?? 2 ** attempt);
      if (answer) {
        const found = await answer.json().catch(() => ({}));
        last = { ok: answer.ok, status: answer.status, body: found, detail: found.detail ?? `the service answered ${answer.status}` };
        if (![429, 503].includes(answer.status)) return last;
        if (wait > PATIENCE) return { ...last, status: 403 }; // the day's bytes: nothing more goes today
      }
      await pause(wait * 1000, this.abort.signal);
    }
    return last;
  }
}

async function recordOf({ id, file }) {
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => resolve("");
    reader.readAsDataURL(file);
  });
  return url && { _id: id, _base64: url.slice(url.indexOf(",") + 1) };
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", resolve, { once: true });
  });
}

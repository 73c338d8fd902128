// Jobs that are under way: asks the API how far each is, and fetches the page anew when more than a bar has moved.
// It stops once all are over.

const EVERY = 1000; // milliseconds
const LONGEST = 15_000; // between questions, while the service is away

const live = document.querySelector("[data-live]");
if (live) watch();

async function watch() {
  let pause = EVERY;
  const failed = new Map();
  while (live.querySelector("[data-job]")) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (document.hidden) continue;
    try {
      const parts = [...live.querySelectorAll("[data-job]")];
      const jobs = await Promise.all(parts.map(asked));
      const moved = jobs.map((job, place) => show(parts[place], job, failed));
      if (moved.some(Boolean)) await renew();
      pause = EVERY;
    } catch {
      pause = Math.min(2 * pause, LONGEST); // it is away for a moment
    }
  }
}

async function asked(part) {
  const answer = await fetch(`/v1/jobs/${encodeURIComponent(part.dataset.job)}`);
  if (answer.ok) return answer.json();
  if (answer.status === 429 || answer.status >= 500) throw new Error(answer.statusText);
  return null; // forgotten meanwhile, or the session is over: the page says so
}

// Move the bar; return whether the rest of the page is out of date.
function show(part, job, failed) {
  if (!job || !["queued", "running"].includes(job.state)) return true;
  const before = failed.get(job.id) ?? `${job.failed} ${job.state}`;
  failed.set(job.id, `${job.failed} ${job.state}`);
  if (before !== failed.get(job.id)) return true;
  if (job.state === "queued") return false;
  const bar = part.querySelector("progress");
  bar.max = job.total || 1;
  if (job.total) bar.value = Math.min(job.done, job.total);
  else bar.removeAttribute("value");
  const unit = part.dataset.unit;
  const done = said(job.done, unit);
  part.querySelector("[data-said]").textContent = job.total
    ? `${done} of ${said(job.total, unit)}${plural(unit, job.total)}`
    : `${done}${plural(unit, job.done)}`;
  return false;
}

const plural = (unit, number) => (unit ? ` ${unit}${number === 1 ? "" : "s"}` : "");

function said(number, unit) {
  if (unit) return number.toLocaleString("en");
  const power = Math.max(0, Math.min(3, Math.floor(Math.log10(number || 1) / 3)));
  return `${(number / 1000 ** power).toLocaleString("en", { maximumFractionDigits: power ? 1 : 0 })} ${["bytes", "KB", "MB", "GB"][power]}`;
}

async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  if (!answer.ok || !fresh) return location.reload();
  const focused = live.contains(document.activeElement);
  live.replaceChildren(...fresh.childNodes);
  if (focused) live.querySelector("a, button")?.focus();
}

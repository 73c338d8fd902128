// How far the jobs are that are under way; once one is over, the page is loaded again to show what came of it.

const EVERY = 1500; // milliseconds

for (const part of document.querySelectorAll("[data-job]")) watch(part);

async function watch(part) {
  const bar = part.querySelector("progress");
  const said = part.querySelector("[data-said]");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    if (document.hidden) continue;
    const answer = await fetch(`/v1/jobs/${encodeURIComponent(part.dataset.job)}`).catch(() => null);
    if (!answer) continue; // the service is away for a moment
    const job = answer.ok ? await answer.json() : null;
    if (!job || !["queued", "running"].includes(job.state)) return location.reload();
    if (job.state === "queued") continue;
    bar.max = job.total ?? 1;
    bar.value = job.done;
    said.textContent = told(job);
  }
}

function told({ done, total }) {
  if (total) return `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  return done ? `${done.toLocaleString("en")} so far` : "begun";
}

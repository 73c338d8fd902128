// Why a picture was found, shown in place: fetched when it is first asked for, by a tap, a key or a mouse that rests.

const REST = 250; // milliseconds
const all = [...document.querySelectorAll("details.why")];

for (const why of all) {
  const summary = why.querySelector("summary");
  let resting;
  why.addEventListener("toggle", () => why.open && onOpen(why));
  summary.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") resting = setTimeout(() => hover(why), REST);
  });
  summary.addEventListener("pointerleave", () => clearTimeout(resting));
  summary.addEventListener("click", () => {
    clearTimeout(resting);
    delete why.dataset.hovered;
  });
  why.addEventListener("pointerleave", () => why.dataset.hovered && (why.open = false));
}
document.addEventListener("keydown", (event) => event.key === "Escape" && close());
document.addEventListener("pointerdown", (event) => close(event.target.closest("details.why")));

function hover(why) {
  if (why.open) return;
  why.dataset.hovered = "yes";
  why.open = true;
}

async function onOpen(why) {
  close(why);
  place(why);
  if (why.dataset.had) return;
  why.dataset.had = "yes";
  const panel = why.querySelector(".reasons-panel");
  const answer = await fetch(`${why.dataset.why}&bare=1`, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return; // the link to the page of its own stays
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  panel.replaceChildren(...parsed.body.childNodes);
}

// Panels of the last columns open towards the left.
function place(why) {
  const panel = why.querySelector(".reasons-panel");
  why.classList.remove("leftward");
  why.classList.toggle("leftward", panel.getBoundingClientRect().right > document.documentElement.clientWidth);
}

function close(besides = null) {
  for (const why of all) {
    if (why === besides || !why.open) continue;
    why.open = false;
    delete why.dataset.hovered;
  }
}

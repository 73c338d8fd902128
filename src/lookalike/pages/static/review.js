// Keys for what the pages of a review have as links and buttons: each bears its key as data-key.

const SAME = { ArrowRight: "j", ArrowLeft: "k" };
const cards = [...document.querySelectorAll("[data-card]")];
let here = -1;

function go(step) {
  cards[here]?.classList.remove("here");
  here = Math.max(0, Math.min(cards.length - 1, here + step));
  cards[here].classList.add("here");
  cards[here].scrollIntoView({ block: "nearest" });
  cards[here].querySelector("h2 a, [data-focus]")?.focus({ preventScroll: true });
}

function press(key) {
  const name = `[data-key="${CSS.escape(key)}"]`;
  const inCard = cards[here]?.querySelector(name);
  const found = inCard ?? [...document.querySelectorAll(name)].find((one) => !one.closest("[data-card]"));
  found?.click();
  return Boolean(found);
}

function isTyping(target, key) {
  if (target.matches("textarea, select, [contenteditable]")) return true;
  if (!target.matches("input")) return false;
  return !["radio", "checkbox"].includes(target.type) || key.startsWith("Arrow");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target, event.key)) return;
  const key = SAME[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  if (key === "Enter") return; // presses what has the focus
  if (cards.length && (key === "j" || key === "k")) go(key === "j" ? 1 : here < 0 ? 0 : -1);
  else if (!press(key)) return;
  event.preventDefault();
});

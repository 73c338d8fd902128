// Life on the pages. Everything here has a plain form or link beneath it that works without scripts.

import { watchDrops } from "./drop.js";

watchDrops();

for (const control of document.querySelectorAll("[data-send]")) {
  control.addEventListener("change", () => control.form.requestSubmit());
}

// On a narrow screen the rows of pages may not show the one that the visitor is on.
for (const link of document.querySelectorAll(".top [aria-current], .rooms [aria-current]")) {
  link.scrollIntoView({ block: "nearest", inline: "center" });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 2000);
  });
}

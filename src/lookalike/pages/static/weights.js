// Sliders say their value while they move; a color that is chosen counts at once.

for (const slider of document.querySelectorAll("[data-shown]")) {
  slider.addEventListener("input", () => (slider.parentElement.querySelector("output").value = slider.value));
}

for (const row of document.querySelectorAll("[data-colors] li")) {
  const [color, amount] = row.querySelectorAll("input");
  const mark = () => row.classList.toggle("unused", amount.value === "0");
  color.addEventListener("change", () => {
    if (amount.value === "0") amount.value = 50;
    color.form.requestSubmit();
  });
  amount.addEventListener("input", mark);
  amount.addEventListener("change", () => amount.form.requestSubmit());
  mark();
}

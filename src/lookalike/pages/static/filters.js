// The rows of a filter: add one, take one away, no field for a value where none is asked for. Without this script the
// form works as it is, with one empty row at a time.

for (const form of document.querySelectorAll("[data-conditions]")) {
  const list = form.querySelector("ul");
  const blank = list.lastElementChild.cloneNode(true);
  const add = form.querySelector("[data-add]");

  const arrange = () => {
    for (const row of list.children) {
      const { valueless } = row.querySelector("select").selectedOptions[0].dataset;
      row.querySelector("[name=value]").closest("label").classList.toggle("unasked", valueless !== undefined);
      row.querySelector("[data-remove]").hidden = list.children.length === 1;
    }
  };

  add.hidden = false;
  add.addEventListener("click", () => {
    list.append(blank.cloneNode(true));
    arrange();
    list.lastElementChild.querySelector("input").focus();
  });
  list.addEventListener("change", arrange);
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    const row = button.closest("[data-row]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    arrange();
    next.querySelector("input").focus();
  });
  arrange();
}

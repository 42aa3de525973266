// Search and filters over a table whose rows carry data- attributes; the page's address may set them.
"use strict";
for (const form of document.querySelectorAll("form.filter")) {
  const rows = [...document.querySelectorAll(`#${form.dataset.for} tbody tr`)];
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const count = form.querySelector("output");
  const selects = [...form.querySelectorAll("select")];

  const show = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const chosen = selects.every((s) => !s.value || row.dataset[s.name] === s.value);
      row.hidden = !(chosen && words.every((word) => text.get(row).includes(word)));
    }
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
  };
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show)); // once the fields are empty
  form.addEventListener("submit", (event) => event.preventDefault());
  show(); // a browser may have kept what was typed
}

// What every page does: say which boxes scroll, search all pages, filter a table.
"use strict";

// A box that is wider than the screen says so, for a phone shows no scroll bar.
const hint = () => {
  for (const box of document.querySelectorAll(".wide")) {
    box.classList.toggle("more", box.scrollWidth > box.clientWidth + 1);
  }
};
addEventListener("resize", hint);
addEventListener("load", hint);

// The index is a script, for a page that is opened from disk may not load data.
{
  const form = document.querySelector("form.find");
  const hits = form.querySelector("ol");
  const root = document.body.dataset.root;
  let index;
  window.searchIndex = (rows) => { index = rows.map((row) => [...row, row.join(" ").toLowerCase()]); };

  const excerpt = (text, word) => {
    const at = Math.max(0, text.toLowerCase().indexOf(word) - 30);
    return (at ? "…" : "") + text.slice(at, at + 90);
  };
  const find = () => {
    const words = form.find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? index.filter((row) => words.every((word) => row[4].includes(word))) : [];
    hits.replaceChildren(...found.slice(0, 20).map(([url, page, section, text]) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const small = document.createElement("small");
      link.href = root + url;
      link.textContent = section ? `${page}: ${section}` : page;
      small.textContent = excerpt(text, words[0]);
      item.append(link, document.createElement("br"), small);
      return item;
    }));
    hits.hidden = !found.length;
    const told = words.length ? `${found.length} places${found.length > 20 ? ", the first 20 listed" : ""}` : "";
    form.querySelector("[role=status]").textContent = told;
  };
  const search = () => {
    if (index) return find();
    const script = document.createElement("script");
    script.src = `${root}search-index.js`;
    script.onload = find;
    document.head.append(script);
  };
  form.hidden = false;
  form.addEventListener("input", search);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    hits.querySelector("a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
    event.preventDefault();
    form.find.focus();
  });
}

// Filters over a table whose rows carry data- attributes. The page's address may set them; one that
// says nothing begins with the form's own first view. "!x" is all but x.
for (const form of document.querySelectorAll("form[data-for]")) {
  const rows = [...document.querySelectorAll(`#${form.dataset.for} tbody tr`)];
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const count = form.querySelector("output");
  const selects = [...form.querySelectorAll("select")];

  const fits = (wanted, value) => (wanted[0] === "!" ? value !== wanted.slice(1) : value === wanted);

  const show = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const chosen = selects.every((s) => !s.value || fits(s.value, row.dataset[s.name]));
      row.hidden = !(chosen && words.every((word) => text.get(row).includes(word)));
    }
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
  };
  const begin = location.search || location.hash ? location.search : form.dataset.first ?? "";
  for (const [name, value] of new URLSearchParams(begin)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show)); // once the fields are empty
  form.addEventListener("submit", (event) => event.preventDefault());
  show(); // a browser may have kept what was typed
}

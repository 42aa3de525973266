// The sample browser: one benchmark's answers at a time, filtered, one problem open. No network:
// a benchmark's file is a script that calls `samples(key, data)`.
"use strict";
{
  const form = document.getElementById("browse");
  const list = document.querySelector("#problems ol");
  const box = document.getElementById("problem");
  const columns = form ? JSON.parse(form.dataset.columns) : [];
  const loaded = {};
  let data, shown = [], open = "";

  window.samples = (key, found) => { loaded[key] = found; };

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  // ✓ and ✗ say the same as the colours.
  const mark = (cell) => {
    if (!cell || cell[1] === null) return ["none", "·"];
    if (data.scale > 1) return [`r${Math.ceil(cell[1] / 2)}`, `${cell[1]}`];
    return cell[1] === 1 ? ["good", "✓"] : cell[1] > 0 ? ["fair", "~"] : ["bad", "✗"];
  };
  const verdict = (cell) => {
    if (cell[1] === null) return "not rated";
    if (data.scale > 1) return `rated ${cell[1]} of ${data.scale}`;
    if (cell[4] > 1) return `${Math.round(cell[1] * cell[4])} of ${cell[4]} samples pass`;
    return cell[1] === 1 ? "passes" : `fails: ${cell[2].replaceAll("_", " ")}`;
  };

  // The comparisons that the filters ask about: [base, later] of each chosen pathway and stage.
  const pairs = (row) => columns.flatMap(([pathway, stage], at) => {
    const base = columns.findIndex(([other]) => other === pathway);
    const wanted = at !== base && [pathway, ""].includes(form.pathway.value)
      && [stage, ""].includes(form.stage.value);
    return wanted && row[base + 2] && row[at + 2] ? [[row[base + 2], row[at + 2]]] : [];
  });
  const CHANGES = {
    "": () => true,
    gained: (row) => pairs(row).some(([a, b]) => b[1] > a[1]),
    lost: (row) => pairs(row).some(([a, b]) => b[1] !== null && b[1] < a[1]),
    changed: (row) => pairs(row).some(([a, b]) => a[0] !== b[0]),
    same: (row) => pairs(row).every(([a, b]) => a[0] === b[0]),
  };
  const kinds = (row) => pairs(row).flat().map((cell) => cell[2]).filter(Boolean);
  const matches = (row) => {
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = [row[0], row[1], ...row.slice(2).map((c) => (c ? data.texts[c[0]] : ""))];
    const text = words.length ? all.join("\n").toLowerCase() : "";
    return CHANGES[form.change.value](row) && words.every((word) => text.includes(word))
      && (!form.kind.value || kinds(row).includes(form.kind.value));
  };

  const item = (row) => {
    const marks = row.slice(2).map((cell) => {
      const [tone, sign] = mark(cell);
      return element("i", { class: tone, "aria-hidden": "true" }, sign);
    });
    const button = element("button", { type: "button", "data-id": row[0] },
      element("span", {}, row[0].split("/").pop()), element("span", { class: "marks" }, ...marks));
    button.setAttribute("aria-label", `Problem ${row[0]}`);
    button.addEventListener("click", () => show(row[0]));
    return element("li", {}, button);
  };

  const filter = () => {
    shown = data.rows.filter(matches);
    list.replaceChildren(...shown.map(item));
    form.querySelector("output").textContent = `${shown.length} of ${data.rows.length} shown`;
    if (shown.length) show(shown.some((row) => row[0] === open) ? open : shown[0][0]);
    else box.replaceChildren(element("p", {}, "No problem fits these filters."));
  };

  // What the prompt has already is paler; a line that the base model did not write is marked.
  const code = (cell, base, prompt) => {
    const asked = new Set(prompt.split("\n"));
    const before = new Set(base ? data.texts[base[0]].split("\n") : []);
    const lines = data.texts[cell[0]].split("\n").map((line) =>
      element(base && line.trim() && !before.has(line) ? "ins" : "span",
        { class: asked.has(line) ? "asked" : "" }, `${line}\n`));
    return element("pre", {}, ...lines);
  };

  const answer = (cell, [pathway, stage], base, prompt) => {
    const head = element("h4", {}, `${pathway} ${stage}`);
    if (!cell) return element("article", {}, head, element("p", {}, "not evaluated"));
    const [tone] = mark(cell);
    const told = element("p", {}, element("b", { class: `verdict ${tone}` }, verdict(cell)));
    const same = base && base !== cell && base[0] === cell[0];
    const parts = [head, told, same ? element("p", { class: "same" }, "the base model's answer") : code(cell, base !== cell && base, prompt)];
    const [call, detail] = cell[3];
    if (cell[1] !== 1 && (call || detail)) {
      const what = data.scale > 1 ? "Rating" : "First failing test";
      parts.push(element("p", { class: "test" }, `${what}: `, element("code", {}, [call, detail].filter(Boolean).join("\n"))));
    }
    return element("article", {}, ...parts);
  };

  const show = (id) => {
    open = id;
    const row = data.rows.find((one) => one[0] === id);
    for (const button of list.querySelectorAll("button")) {
      const here = button.dataset.id === id;
      if (here) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      // The list scrolls, not the page, which would move under the reader.
      if (here) list.parentElement.scrollTop = button.offsetTop - list.parentElement.clientHeight / 2;
    }
    const cells = row.slice(2);
    const grid = columns.map((column, at) => {
      const base = cells[columns.findIndex(([pathway]) => pathway === column[0])];
      return answer(cells[at], column, base, row[1]);
    });
    box.replaceChildren(element("h3", {}, id),
      element("pre", { class: "prompt" }, row[1] || data.note || "no prompt"),
      element("div", { class: "answers" }, ...grid));
    history.replaceState(null, "", `#${encodeURIComponent(`${form.group.value} ${id}`)}`);
  };

  const load = async () => {
    const key = form.group.value;
    if (!loaded[key]) {
      const script = element("script", { src: `samples/${encodeURIComponent(key)}.js` });
      await new Promise((done, failed) => {
        script.onload = done;
        script.onerror = failed;
        document.head.append(script);
      });
    }
    data = loaded[key];
    const found = [...new Set(data.rows.flatMap((row) => row.slice(2).map((c) => c?.[2])))];
    form.kind.replaceChildren(element("option", { value: "" }, "any"),
      ...found.filter(Boolean).sort().map((kind) => element("option", { value: kind }, kind.replaceAll("_", " "))));
    filter();
  };

  const step = (by) => {
    const at = shown.findIndex((row) => row[0] === open) + by;
    if (shown[at]) show(shown[at][0]);
  };
  const choose = (change) => { form.change.value = change; filter(); };
  const KEYS = { j: () => step(1), k: () => step(-1), g: () => choose("gained"), l: () => choose("lost"), a: () => choose("") };

  if (form) {
    const [key, id] = decodeURIComponent(location.hash.slice(1)).split(/ (.*)/);
    if ([...form.group.options].some((option) => option.value === key)) [form.group.value, open] = [key, id || ""];
    form.addEventListener("input", (event) => (event.target.name === "group" ? load() : filter()));
    form.addEventListener("reset", () => setTimeout(() => { load(); }));
    form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => {
      const typing = ["INPUT", "SELECT"].includes(event.target.tagName);
      if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) KEYS[event.key]?.();
    });
    for (const part of [form, document.getElementById("legend"), document.getElementById("browser")]) part.hidden = false;
    load();
  }
}

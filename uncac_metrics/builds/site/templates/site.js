"use strict";
// Search and sorting. Without this file every page can be read as it is.
(function () {
  const root = document.body.dataset.root;
  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  const form = document.querySelector("form.search");
  if (form && window.SEARCH) {
    const input = form.querySelector("input"), hits = form.querySelector(".hits"), status = form.querySelector(".status");
    const entries = window.SEARCH.map((entry) => [entry, plain(entry.slice(0, 4).join(" "))]);
    const look = () => {
      const words = plain(input.value).split(/\s+/).filter(Boolean);
      hits.replaceChildren();
      status.textContent = "";
      if (!words.length) return;
      const exact = plain(input.value.trim());
      const found = entries.filter(([, text]) => words.every((word) => text.includes(word)))
        .map(([entry]) => entry)
        .sort((a, b) => (plain(b[1]) === exact) - (plain(a[1]) === exact));
      status.textContent = found.length ? found.length + " " + form.dataset.some : form.dataset.none;
      for (const [kind, code, name, , page] of found.slice(0, 30)) {
        const link = document.createElement("a"), item = document.createElement("li");
        const about = document.createElement("span");
        about.textContent = kind + " " + code;
        link.href = root + page;
        link.append(about, " ", name);
        item.append(link);
        hits.append(item);
      }
    };
    input.addEventListener("input", look);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const first = hits.querySelector("a");
      if (first) first.click();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = ""; look(); input.focus(); }
    });
    form.hidden = false;
  }

  // A cell by its column, where others in the row may span several.
  const cell = (row, column) => {
    let place = 0;
    for (const one of row.cells) {
      place += one.colSpan;
      if (place > column) return one;
    }
    return null;
  };
  // The first number of a text, as the language of the page writes it.
  const sign = document.body.dataset.decimal;
  const parsed = (text) => {
    const found = text.match(/[-−]?(\d[\d.,\s]*|∞)/);
    if (!found) return NaN;
    const digits = [...found[0]].map((one) => one === sign ? "." : /[\d∞]/.test(one) ? one : /[-−]/.test(one) ? "-" : "");
    return parseFloat(digits.join("").replace("∞", "Infinity"));
  };
  // What a cell is sorted by: whether it is empty, whether it is a number, the number, the text.
  const value = (row, column) => {
    const one = cell(row, column), text = one ? (one.dataset.v || one.textContent).trim() : "";
    const number = !one || one.matches(".text, th") ? NaN : one.dataset.v ? parseFloat(one.dataset.v) : parsed(text);
    return { empty: text === "" || text === "–", word: isNaN(number), number, text };
  };
  // Empty cells stay last, words after numbers, whichever the direction.
  const compare = (a, b, sign) => {
    if (a.empty || b.empty) return a.empty - b.empty;
    if (a.word !== b.word) return a.word - b.word;
    const words = a.text.localeCompare(b.text, document.documentElement.lang, { numeric: true });
    return sign * (a.word ? words : a.number - b.number || words);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = document.body.dataset.sort + " " + head.textContent.trim();
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        for (const body of table.tBodies) {  // rows stay under their heading
          const rows = [...body.rows].filter((row) => !row.querySelector("th[scope=rowgroup]"));
          const told = rows.map((row) => [row, value(row, place)]);
          told.sort((a, b) => compare(a[1], b[1], down ? -1 : 1));
          body.append(...told.map(([row]) => row));
        }
      });
    });
  }
})();

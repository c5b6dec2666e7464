// View: elements, tables that keep their rows, sparklines, numbers for people. Whatever comes from
// data goes into the page as text, never as HTML.

const kSvg = "http://www.w3.org/2000/svg";
const kLeastSlots = 20;  // a course that has just begun fills the width by and by
const kMostRows = 100;  // of one table; the filter finds the others

export const byId = id => document.getElementById(id);

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// --- numbers -----------------------------------------------------------------------------------

export const unknown = "\u2013";

function digits(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  if (value >= 10) return value.toFixed(1);
  return value === 0 ? "0" : value.toFixed(2);
}

function scaled(value, units, step) {
  let unit = 0;
  while (value >= step && unit + 1 < units.length) {
    value /= step;
    unit += 1;
  }
  const text = unit === 0 && Number.isInteger(value) ? String(value) : digits(value);
  return units[unit] === "" ? text : `${text} ${units[unit]}`;
}

const known = (value, write) => (value === undefined || Number.isNaN(value) ? unknown : write(value));

export const count = value => known(value, v => (v < 10_000 ? String(v) : scaled(v, ["", "k", "M", "G"], 1000)));
export const rate = value => known(value, v => v === 0 ? "0" : `${scaled(v, ["", "k", "M"], 1000)}/s`);
export const bytes = value => known(value, v => scaled(v, ["B", "KiB", "MiB", "GiB", "TiB"], 1024));
export const share = value => known(value, v => `${digits(100 * v)} %`);
export const seconds = value => known(value, v => {
  if (v === Infinity) return "> 67 s";
  if (v < 0.001) return `${Math.round(v * 1e6)} \u00b5s`;
  return v < 1 ? `${digits(v * 1000)} ms` : `${digits(v)} s`;
});

export function span(value) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => value >= size);
  if (first < 0) return "0 s";
  const [size, name] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((value % size) / next[0]) : 0;
  return `${Math.floor(value / size)} ${name}${rest > 0 ? ` ${rest} ${next[1]}` : ""}`;
}

export const ago = time => `${span(Math.max(0, (Date.now() - Date.parse(time)) / 1000))} ago`;

// --- signs -------------------------------------------------------------------------------------

const kShapes = { good: "\u2713", warn: "!", bad: "\u2715", unknown: "?" };

// A state is a shape, a word and a colour, so that the colour is never alone.
export function sign(kind, word) {
  const shape = el("span", { "aria-hidden": "true", class: "shape" }, kShapes[kind]);
  return el("span", { class: `sign ${kind}` }, shape, word);
}

function spark() {
  const svg = document.createElementNS(kSvg, "svg");
  svg.setAttribute("viewBox", "0 0 120 28");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  for (const kind of ["area", "stroke"]) {
    const path = document.createElementNS(kSvg, "path");
    path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}

// Gaps where a value is unknown. The newest value is at the right edge.
function drawSpark(svg, values, slots) {
  const finite = values.filter(Number.isFinite);
  const top = Math.max(...finite, 1e-9);
  const x = i => (120 * (slots - values.length + i) / (slots - 1)).toFixed(1);
  const y = value => (26 - 24 * value / top).toFixed(1);
  let stroke = "", area = "", begun = null;
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      if (begun !== null) area += `L${x(i - 1)} 27Z`;
      begun = null;
      return;
    }
    stroke += `${begun === null ? "M" : "L"}${x(i)} ${y(value)}`;
    area += begun === null ? `M${x(i)} 27L${x(i)} ${y(value)}` : `L${x(i)} ${y(value)}`;
    begun = i;
  });
  if (begun !== null) area += `L${x(values.length - 1)} 27Z`;
  svg.querySelector(".stroke").setAttribute("d", stroke);
  svg.querySelector(".area").setAttribute("d", area);
}

// A figure with its course; `note` says more in words.
export class Tile {
  constructor(list, name) {
    this.value = el("strong", {}, unknown);
    this.note = el("span", { class: "quiet" });
    this.spark = spark();
    list.append(el("li", {}, el("span", { class: "name" }, name), this.value, this.note, this.spark));
  }

  show(value, note, line) {
    setText(this.value, value);
    setText(this.note, note);
    drawSpark(this.spark, line, Math.max(kLeastSlots, line.length));
  }
}

// --- tables ------------------------------------------------------------------------------------

// Rows have a key and stay where they are when their figures change, so that neither focus nor
// selection is lost. A row may be a function, called only if it is shown. Columns: { name, text: true for words }. Cells: texts or elements with a
// `sameAs` text that tells whether they changed.
export class Table {
  constructor(place, caption, columns, empty) {
    this.columns = columns;
    this.empty = el("p", { class: "empty" }, empty);
    this.emptyText = empty;
    this.body = el("tbody");
    const heads = columns.map(each => el("th", { scope: "col", ...(each.text ? {} : { class: "number" }) }, each.name));
    this.table = el("table", {}, el("caption", { class: "only-read" }, caption),
                    el("thead", {}, el("tr", {}, ...heads)), this.body);
    this.more = el("p", { class: "quiet" });
    this.scroll = el("div", { class: "scroll" }, this.table);
    this.rows = new Map();
    place.append(this.empty, this.scroll, this.more);
    this.show([]);
  }

  show(rows, filtered = false, most = kMostRows) {
    setText(this.empty, filtered ? "Nothing here has such a name." : this.emptyText);
    this.empty.hidden = rows.length > 0;
    this.scroll.hidden = rows.length === 0;
    this.more.hidden = rows.length <= most;
    setText(this.more, `${rows.length - most} more; filter by name to see them.`);
    const shown = rows.slice(0, most).map(row => (typeof row === "function" ? row() : row));
    const wanted = new Set(shown.map(row => row.key));
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.line.remove();
      this.rows.delete(key);
    }
    shown.forEach((row, i) => {
      const line = this.line(row);
      if (this.body.children[i] !== line) this.body.insertBefore(line, this.body.children[i] ?? null);
    });
  }

  line({ key, cells, kind = "" }) {
    let row = this.rows.get(key);
    if (!row) {
      row = { line: el("tr"), same: [] };
      this.columns.forEach((column, i) => {
        const cell = i === 0 ? el("th", { scope: "row" }) : el("td", { "data-name": column.name });
        if (!column.text) cell.className = "number";
        row.line.append(cell);
      });
      this.rows.set(key, row);
    }
    row.line.className = kind;
    cells.forEach((cell, i) => {
      const text = cell instanceof Node ? cell.dataset.same ?? cell.textContent : cell;
      if (row.same[i] === text) return;
      row.same[i] = text;
      row.line.children[i].replaceChildren(cell);
    });
    return row.line;
  }
}

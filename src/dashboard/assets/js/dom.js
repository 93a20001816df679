// Elements and their text. Text is set as text, never as HTML, and only when it has changed: a
// screen reader and the layout are left alone otherwise.

export const $ = (id) => document.getElementById(id);

/** A new element with a class and text. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setData(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** A bar's length, 0 to 1. */
export function setPart(bar, part) {
  const width = `${(Math.min(Math.max(part || 0, 0), 1) * 100).toFixed(1)}%`;
  if (bar.style.width !== width) bar.style.width = width;
}

/** Gives `parent` as many children as there are items, made by `make`, and lets `fill` update each. */
export function reconcile(parent, items, make, fill) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(make());
  items.forEach((item, index) => fill(parent.children[index], item));
}

/**
 * A table whose cells are updated in place. A column is `{head, text, number?, part?}`: `text` returns the cell's
 * text, or `part` the length of a bar. The first column is the row's head.
 */
export class Table {
  constructor(host, caption, columns, none) {
    this.columns = columns;
    this.none = none;
    const table = element("table");
    table.append(element("caption", "", caption));
    const head = element("tr");
    for (const column of columns) {
      const cell = element("th", column.number ? "num" : column.part ? "wide" : "", column.head);
      cell.scope = "col";
      head.append(cell);
    }
    const thead = element("thead");
    thead.append(head);
    this.body = element("tbody");
    table.append(thead, this.body);
    this.empty = element("p", "empty", none);
    host.replaceChildren(table, this.empty);
    this.table = table;
  }

  show(rows) {
    this.empty.hidden = rows.length > 0;
    this.table.hidden = rows.length === 0;
    reconcile(this.body, rows, () => this.#row(), (row, item) => this.#fill(row, item));
  }

  #row() {
    const row = element("tr");
    this.columns.forEach((column, index) => {
      const cell = element(index === 0 ? "th" : "td", column.number ? "num" : column.part ? "wide" : "");
      if (index === 0) cell.scope = "row";
      if (column.part) {
        const bar = element("span", "part");
        bar.setAttribute("aria-hidden", "true");
        bar.append(element("i"));
        cell.append(bar);
      }
      if (column.state) cell.append(element("span", "state"));
      row.append(cell);
    });
    return row;
  }

  #fill(row, item) {
    this.columns.forEach((column, index) => {
      const cell = row.children[index];
      if (column.part) setPart(cell.firstElementChild.firstElementChild, column.part(item));
      else if (column.state) {
        setData(cell.firstElementChild, "state", column.state(item));
        setText(cell.firstElementChild, column.state(item));
      } else setText(cell, column.text(item));
    });
  }
}

/** A list of facts, `[[name, value], ...]`, updated in place. */
export function showFacts(list, facts) {
  const make = () => {
    const pair = element("div");
    pair.append(element("dt"), element("dd"));
    return pair;
  };
  reconcile(list, facts, make, (pair, [name, value]) => {
    setText(pair.firstElementChild, name);
    setText(pair.lastElementChild, value);
  });
}

// The script only adds: without it, everything on the page can be read. It asks for nothing and sends nothing.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const made = (tag, attributes = {}, ...inner) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inner);
    return element;
  };
  // A browser may refuse to remember anything for files; then a choice lasts as long as the page is open.
  const remembered = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* see above */ } };

  // ---------------------------------------------------------------- theme

  const THEMES = { auto: "Auto", light: "Light", dark: "Dark" };
  const setTheme = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  const startTheme = () => {
    const stored = remembered("whisker-theme");
    return Object.hasOwn(THEMES, stored) ? stored : "auto";
  };
  setTheme(startTheme()); // before the body is drawn, so that nothing flashes

  const addThemes = (tools) => {
    const choice = made("select", { "aria-label": "Colours", title: "Colours of the page" });
    for (const [theme, word] of Object.entries(THEMES)) choice.append(made("option", { value: theme }, word));
    choice.value = startTheme();
    choice.addEventListener("change", () => { setTheme(choice.value); remember("whisker-theme", choice.value); });
    tools.append(choice);
  };

  // ---------------------------------------------------------------- tables

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell ? cell.dataset.value ?? cell.textContent.trim() : "";
  };
  const inOrder = (one, other) => {
    if (one === "" || other === "") return (one === "") - (other === ""); // what is missing stands last
    const [a, b] = [Number(one), Number(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other) : a - b;
  };
  const sortBy = (table, header, column) => {
    const order = header.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
    const sign = order === "ascending" ? 1 : -1;
    for (const body of table.tBodies) {
      const keyed = [...body.rows].map((row) => [valueOf(row, column), row]);
      keyed.sort(([a], [b]) => (a === "" || b === "" ? inOrder(a, b) : sign * inOrder(a, b)));
      body.append(...keyed.map(([, row]) => row));
    }
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
  };
  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = made("button", { type: "button", class: "sort" }, ...header.childNodes);
      button.addEventListener("click", () => sortBy(table, header, column));
      header.append(button);
    });
  };

  const addFilter = (table) => {
    const rows = [...table.tBodies[0].rows];
    const text = made("input", { type: "search", placeholder: "Filter", "aria-label": "Filter the table by its text" });
    const outcome = made("select", { "aria-label": "Show the outcome" }, made("option", { value: "" }, "All outcomes"));
    for (const word of new Set(rows.map((row) => row.dataset.outcome))) outcome.append(made("option", { value: word }, word));
    const said = made("p", { class: "small", role: "status" });
    const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const filter = () => {
      const wanted = text.value.toLowerCase().split(/\s+/);
      let left = 0;
      for (const row of rows) {
        row.hidden = !((!outcome.value || row.dataset.outcome === outcome.value)
          && wanted.every((word) => words.get(row).includes(word)));
        left += !row.hidden;
      }
      said.textContent = left === rows.length ? "" : left ? `${left} of ${rows.length} are shown.` : "Nothing fits the filter.";
    };
    text.addEventListener("input", filter);
    outcome.addEventListener("change", filter);
    table.parentNode.before(made("div", { class: "filter" }, text, outcome, said));
  };

  // ---------------------------------------------------------------- tabs

  const addTabs = (box) => {
    const views = [...box.children].filter((one) => one.dataset.tab);
    const names = ["All", ...new Set(views.map((view) => view.dataset.tab))];
    if (names.length < 3) return;
    const tabs = names.map((name) => made("button", { type: "button", role: "tab", "aria-controls": box.id }, name));
    const choose = (chosen) => {
      tabs.forEach((tab, n) => {
        tab.setAttribute("aria-selected", String(n === chosen));
        tab.tabIndex = n === chosen ? 0 : -1;
      });
      for (const view of views) view.hidden = chosen > 0 && view.dataset.tab !== names[chosen];
    };
    tabs.forEach((tab, n) => tab.addEventListener("click", () => choose(n)));
    const list = made("div", { class: "tabs", role: "tablist", "aria-label": box.dataset.tabs }, ...tabs);
    list.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = (tabs.indexOf(event.target) + by + tabs.length) % tabs.length;
      choose(next);
      tabs[next].focus();
    });
    box.setAttribute("role", "tabpanel");
    box.setAttribute("aria-label", box.dataset.tabs);
    box.before(list);
    choose(0);
  };

  // ---------------------------------------------------------------- dialogs

  const dialog = (label, ...inner) => {
    const close = made("button", { type: "button", class: "close" }, "Close");
    const shown = made("dialog", { "aria-label": label }, ...inner, close);
    close.addEventListener("click", () => shown.close());
    shown.addEventListener("click", (event) => { if (event.target === shown) shown.close(); });
    document.body.append(shown);
    return shown;
  };
  const addZoom = () => {
    const pictures = all(".gallery img, .leaks img, .zoom");
    if (!pictures.length) return;
    const large = made("figure", { class: "large" });
    const shown = dialog("Picture, enlarged", large);
    for (const picture of pictures) {
      const button = made("button", { type: "button", class: "zoom-in", title: "Enlarge" });
      picture.replaceWith(button);
      button.append(picture);
      button.addEventListener("click", () => {
        const words = picture.getAttribute("alt") ?? picture.getAttribute("aria-label") ?? "";
        const copy = picture.cloneNode(true);
        for (const element of all("[id]", copy)) element.removeAttribute("id");
        large.replaceChildren(copy, made("figcaption", {}, words));
        shown.showModal();
      });
    }
  };

  // ---------------------------------------------------------------- details, also on paper

  const openAll = (open) => { for (const one of all("details")) one.open = open; };
  const toggleAll = () => openAll(all("details").some((one) => !one.open));
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    openAll(true);
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  // ---------------------------------------------------------------- keys

  const KEYS = {
    "?": ["show these keys", () => all("#keys").forEach((shown) => shown.showModal())],
    "/": ["go to the filter", () => all(".filter input").slice(0, 1).forEach((input) => input.focus())],
    j: ["next section", () => step(1)],
    k: ["section before", () => step(-1)],
    e: ["open or close all that can be opened", toggleAll],
  };
  const step = (by) => {
    const headings = all("main h2:not(.hidden)");
    const tops = headings.map((heading) => heading.getBoundingClientRect().top);
    const bar = parseFloat(getComputedStyle(headings[0]).scrollMarginTop) + 4;
    const next = by > 0 ? tops.findIndex((top) => top > bar) : tops.findLastIndex((top) => top < bar - 12);
    const heading = headings[next];
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  };
  const addKeys = (tools) => {
    const list = made("dl", { class: "keys" });
    for (const [key, [words]] of Object.entries(KEYS)) list.append(made("dt", {}, made("kbd", {}, key)), made("dd", {}, words));
    const on = made("input", { type: "checkbox" });
    on.checked = remembered("whisker-keys") !== "off";
    on.addEventListener("change", () => remember("whisker-keys", on.checked ? "on" : "off"));
    const shown = dialog("Keys", made("h2", {}, "Keys"), list, made("label", {}, on, " React to these keys"));
    shown.id = "keys";
    const help = made("button", { type: "button", "aria-label": "Keys", title: "Keys" }, "?");
    help.addEventListener("click", () => shown.showModal());
    tools.append(help);
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea, dialog");
      if (typing || !on.checked || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
      event.preventDefault();
      KEYS[event.key][1]();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    all("table.filtered").forEach(addFilter);
    all("table.sortable").forEach(makeSortable);
    all("[data-tabs]").forEach(addTabs);
    addZoom();
    for (const tools of all(".tools")) {
      if (all("details").length) {
        const button = made("button", { type: "button" }, "Open all");
        button.addEventListener("click", toggleAll);
        tools.append(button);
      }
      addThemes(tools);
      addKeys(tools);
    }
  });
})();

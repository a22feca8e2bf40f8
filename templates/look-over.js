// Doubtful labels, one at a time: a key decides.
import { Doubts, EXCLUDE, isOpen, ownLabel, send } from "/static/doubts.js";
import { byId, made } from "/static/served.js";

const picture = (sha256, size) => `/pictures/${sha256}?size=${size}`;
const inWords = (decision) => (decision === EXCLUDE ? "left out" : decision);
const trouble = (words) => {
  byId("trouble").firstElementChild.textContent = words;
  byId("trouble").hidden = !words;
};

const doubts = new Doubts(() => draw(), trouble);
const done = []; // what was decided on this page, with what was true before: for undo
let at = 0;
let drawn = ""; // what stands on the stage, so that it is replaced only by something else

// ---------------------------------------------------------------- the image in question

const questionOf = (item) => {
  const labels = item.labels.join(" and ");
  return item.suggested && item.suggested !== ownLabel(item) ? `Labelled ${labels}, perhaps ${item.suggested}` : `Labelled ${labels}`;
};
const whyOf = (item) => {
  if (item.reason) return `It ${item.reason}.`;
  return `Networks that had not seen it give its label a probability of ${(item.probability * 100).toFixed(1)} %.`;
};
const stateOf = (item) => {
  if (item.decision !== null) return `decided: ${inWords(item.decision)}`;
  return item.settled ? "settled by what was decided about the other" : "";
};
const view = (sha256, words, caption) => {
  const figure = made("figure", {}, made("img", { src: picture(sha256, "large"), alt: words }));
  if (caption) figure.append(made("figcaption", {}, caption));
  return figure;
};
const views = (item) => {
  const { partner } = item;
  if (!partner) return [view(item.sha256, questionOf(item))];
  const other = `The other, under ${partner.label}`;
  return [view(item.sha256, questionOf(item), `This one, under ${item.labels.join(" and ")}`), view(partner.sha256, other, other)];
};
const choice = (item, decision, words, ...keys) => {
  const button = made("button", { type: "button", "aria-pressed": String(item.decision === decision) }, words);
  button.append(...keys.filter(Boolean).map((key) => made("kbd", {}, key)));
  if (decision === item.suggested) button.classList.add("suggested");
  button.addEventListener("click", () => decide(decision));
  return button;
};
const choices = (item) => {
  const { classes, keys } = doubts;
  const labels = classes.map((label) => (label === ownLabel(item)
    ? choice(item, label, `keep ${label}`, keys[label], "space") : choice(item, label, label, keys[label])));
  const back = made("button", { type: "button" }, "undo", made("kbd", {}, "u"));
  back.disabled = !done.length;
  back.addEventListener("click", undo);
  return [...labels, choice(item, EXCLUDE, "leave out", "x"), back];
};
const drawStage = (item) => {
  byId("stage").querySelector(".views").replaceChildren(...views(item));
  byId("question").textContent = `${at + 1} of ${doubts.items.length}: ${questionOf(item)}`;
  byId("why").textContent = whyOf(item);
  byId("path").textContent = item.path;
  byId("state").textContent = stateOf(item);
  byId("choices").replaceChildren(...choices(item));
  const next = doubts.items[at + 1];
  if (next) new Image().src = picture(next.sha256, "large");
};

// ---------------------------------------------------------------- all of them

const drawProgress = (items) => {
  const left = items.filter(isOpen).length;
  const more = doubts.unsent ? ` ${doubts.unsent} on the way to the database.` : left ? "" : " That was all: the next cycle uses it.";
  byId("progress").textContent = items.length
    ? `${items.length - left} of ${items.length} decided.${more}` : "Nothing is doubtful: there is nothing to decide.";
  const bar = document.querySelector("progress");
  bar.max = items.length || 1;
  bar.value = items.length ? items.length - left : 1;
  byId("unlisted").textContent = doubts.inAll > items.length
    ? `The first ${items.length} of ${doubts.inAll} are shown; load the page again when these are decided.` : "";
};
const drawCell = (button, item, index) => {
  const state = item.decision === null ? (item.settled ? "settled" : "") : inWords(item.decision);
  const words = button.lastElementChild;
  words.textContent = state ? `✓ ${state}` : `${item.labels.join(" and ")}?`;
  words.classList.toggle("is-decided", Boolean(state));
  if (index === at) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
};
const drawStrip = (items) => {
  const strip = byId("strip");
  for (const [index, item] of items.entries()) {
    if (!strip.children[index]) {
      const button = made("button", { type: "button" }, made("img", { src: picture(item.sha256, "small"), alt: "", loading: "lazy" }), made("span"));
      button.addEventListener("click", () => go(index));
      strip.append(made("li", {}, button));
    }
    drawCell(strip.children[index].firstElementChild, item, index);
  }
};
const draw = () => {
  const { items } = doubts;
  drawProgress(items);
  drawStrip(items);
  const wanted = JSON.stringify([at, items.length, items[at], done.length > 0]);
  if (items.length && drawn !== wanted) drawStage(items[at]);
  drawn = wanted;
};
const drawTables = (found) => {
  const fill = (id, rows) => {
    const section = byId(id).closest("section");
    section.hidden = !rows.length;
    section.querySelector("tbody").append(...rows.map((cells) => made("tr", {}, ...cells.map((cell) => made("td", {}, cell)))));
  };
  const code = (path) => made("bdi", {}, made("code", { class: "path" }, path));
  fill("quarantine", found.quarantine.map((file) => [code(file.path), file.reason]));
  fill("earlier", found.earlier.map((one) => {
    const back = made("button", { type: "button" }, "take back");
    back.addEventListener("click", () => send(one.sha256, null).then(() => back.replaceWith("taken back"), (error) => trouble(error.message)));
    return [code(one.path), inWords(one.decision), back];
  }));
};

// ---------------------------------------------------------------- what is done

// The heading is read out, and no button keeps the focus that a space would press again.
const go = (index) => {
  at = Math.min(Math.max(index, 0), doubts.items.length - 1);
  draw();
  byId("question").focus({ preventScroll: true });
  byId("stage").scrollIntoView({ block: "nearest" });
  const strip = byId("strip");
  const cell = strip.children[at];
  strip.scrollTop = cell.offsetTop - cell.offsetHeight - 14; // with the row before it
};
const nextOpen = () => {
  const { items } = doubts;
  const order = [...items.keys()].map((step) => (at + 1 + step) % items.length);
  return order.find((index) => isOpen(items[index])) ?? at;
};
const decide = (decision) => {
  const item = doubts.items[at];
  if (decision === null) return;
  done.push([item, item.decision]);
  doubts.decide(item, decision);
  go(nextOpen());
};
const undo = () => {
  if (!done.length) return;
  const [item, before] = done.pop();
  doubts.decide(item, before);
  go(doubts.items.indexOf(item));
};

// ---------------------------------------------------------------- keys

const MOVES = { j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1 };
const NAMES = { " ": "space", ArrowRight: "→", ArrowLeft: "←" };
const allKeys = () => ({
  ...Object.fromEntries(doubts.classes.map((label) => [doubts.keys[label], [`it is ${label}`, () => decide(label)]]).filter(([key]) => key)),
  " ": ["keep the label that it has", () => decide(ownLabel(doubts.items[at]))],
  x: ["leave the image out", () => decide(EXCLUDE)],
  u: ["undo", undo],
  ...Object.fromEntries(Object.entries(MOVES).map(([key, by]) => [key, [by > 0 ? "next image" : "image before", () => go(at + by)]])),
});
// The page's own keys come before those of the reports' script, and stand in its list of keys.
const listenToKeys = () => {
  const keys = allKeys();
  const dialog = byId("keys");
  const list = Object.entries(keys).flatMap(([key, [words]]) => [made("dt", {}, made("kbd", {}, NAMES[key] ?? key)), made("dd", {}, words)]);
  dialog.querySelector(".keys").replaceChildren(made("dt", {}, made("kbd", {}, "?")), made("dd", {}, "show these keys"), ...list);
  addEventListener("keydown", (event) => {
    const on = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || on.closest?.("input, select, dialog")) return;
    if (!dialog.querySelector("input").checked || (event.key === " " && on.closest?.("button, a"))) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat || Object.hasOwn(MOVES, key)) keys[key][1](); // who holds a key decides once
  }, { capture: true });
};

document.addEventListener("DOMContentLoaded", async () => {
  try {
    drawTables(await doubts.load());
    at = Math.max(doubts.items.findIndex(isOpen), 0);
    for (const id of ["stage", "strip"]) byId(id).closest("section").hidden = !doubts.items.length;
    draw();
    if (doubts.items.length) listenToKeys();
  } catch (error) {
    byId("progress").textContent = "The list could not be worked out.";
    trouble(error.message);
  }
});
addEventListener("beforeunload", (event) => { if (doubts.unsent) event.preventDefault(); });

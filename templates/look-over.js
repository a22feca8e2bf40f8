// Doubtful labels, one at a time: a key decides, and the server keeps it at once.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const made = (tag, attributes = {}, ...inner) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inner);
    return element;
  };
  const EXCLUDE = "exclude";
  const picture = (sha256, size) => `/pictures/${sha256}?size=${size}`;
  const percent = (share) => `${(share * 100).toFixed(1)} %`;
  const inWords = (decision) => (decision === EXCLUDE ? "left out" : decision);

  let items = [];
  let classes = [];
  let classKeys = {};
  let inAll = 0;
  let at = 0;
  let unsent = 0;
  let drawn = ""; // what stands on the stage, so that it is replaced only by something else
  const done = []; // what was decided on this page, with what was true before: for undo

  const isOpen = (item) => item.decision === null && !item.settled;
  const ownLabel = (item) => (item.labels.length === 1 ? item.labels[0] : null);

  // ---------------------------------------------------------------- the server

  const ask = async (address, options) => {
    const response = await fetch(address, options);
    const answer = response.status === 204 ? null : await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return answer;
  };
  const trouble = (words) => {
    byId("trouble").firstElementChild.textContent = words;
    byId("trouble").hidden = !words;
  };
  const send = (item, decision) => ask("/decisions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sha256: item.sha256, decision }),
  });
  // What was decided about an image can settle the one that looks like it, or bring up another.
  const followConflicts = async () => {
    const found = await ask("/doubts");
    for (const now of found.doubts) {
      const known = items.find((item) => item.sha256 === now.sha256);
      if (!known) items.push(now);
      else Object.assign(known, { settled: now.settled, reason: now.reason, suggested: now.suggested, partner: now.partner });
    }
    inAll = found.in_all;
    drawStrip();
    draw();
  };
  const change = (item, decision) => {
    const before = item.decision;
    item.decision = decision; // the next key may come before the answer
    unsent += 1;
    item.sending = (item.sending ?? Promise.resolve()).then(async () => {
      try {
        await send(item, decision);
        trouble("");
        if (item.kind === "conflict") followConflicts().catch((error) => trouble(error.message));
      } catch (error) {
        item.decision = before;
        trouble(`It was not kept (${item.path}): ${error.message}`);
        draw();
      }
      unsent -= 1;
    });
  };
  addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); });

  // ---------------------------------------------------------------- what is shown

  const stateOf = (item) => {
    if (item.decision === null) return item.settled ? "settled by what was decided about the other" : "";
    return item.decision === EXCLUDE ? "decided: left out" : `decided: ${item.decision}`;
  };
  const questionOf = (item) => {
    const labels = item.labels.join(" and ");
    return item.suggested && item.suggested !== ownLabel(item) ? `Labelled ${labels}, perhaps ${item.suggested}` : `Labelled ${labels}`;
  };
  const whyOf = (item) => {
    if (item.reason) return `It ${item.reason}.`;
    return `Networks that had not seen it give its label a probability of ${percent(item.probability)}.`;
  };
  const views = (item) => {
    const own = made("figure", {}, made("img", { src: picture(item.sha256, "large"), alt: questionOf(item) }));
    if (!item.partner) return [own];
    const words = `The other, under ${item.partner.label}`;
    own.append(made("figcaption", {}, `This one, under ${item.labels.join(" and ")}`));
    return [own, made("figure", {}, made("img", { src: picture(item.partner.sha256, "large"), alt: words }), made("figcaption", {}, words))];
  };
  const choice = (item, decision, words, ...keysOfIt) => {
    const button = made("button", { type: "button", "aria-pressed": String(item.decision === decision) }, words);
    button.append(...keysOfIt.filter(Boolean).map((key) => made("kbd", {}, key)));
    if (decision === item.suggested) button.classList.add("suggested");
    button.addEventListener("click", () => decide(decision));
    return button;
  };
  const choices = (item) => {
    const buttons = classes.map((label) => (label === ownLabel(item)
      ? choice(item, label, `keep ${label}`, classKeys[label], "space") : choice(item, label, label, classKeys[label])));
    const back = made("button", { type: "button" }, "undo", made("kbd", {}, "u"));
    back.disabled = !done.length;
    back.addEventListener("click", undo);
    return [...buttons, choice(item, EXCLUDE, "leave out", "x"), back];
  };
  const draw = () => {
    const left = items.filter(isOpen).length;
    const bar = document.querySelector("progress");
    byId("progress").textContent = items.length
      ? `${items.length - left} of ${items.length} decided.${left ? "" : " That was all: the next cycle uses it."}`
      : "Nothing is doubtful: there is nothing to decide.";
    bar.max = items.length || 1;
    bar.value = items.length ? items.length - left : 1;
    byId("unlisted").textContent = inAll > items.length ? `The first ${items.length} of ${inAll} are shown; load the page again when these are decided.` : "";
    const item = items[at];
    if (!item) return;
    [...byId("strip").children].forEach((cell, index) => drawCell(cell.firstElementChild, items[index], index));
    const wanted = JSON.stringify([at, items.length, item, done.length > 0]);
    if (drawn !== wanted) drawStage(item);
    drawn = wanted;
  };
  const drawStage = (item) => {
    byId("stage").querySelector(".views").replaceChildren(...views(item));
    byId("question").textContent = `${at + 1} of ${items.length}: ${questionOf(item)}`;
    byId("why").textContent = whyOf(item);
    byId("path").textContent = item.path;
    byId("state").textContent = stateOf(item);
    byId("choices").replaceChildren(...choices(item));
    if (items[at + 1]) new Image().src = picture(items[at + 1].sha256, "large");
  };
  const drawCell = (button, item, index) => {
    const state = item.decision === null ? (item.settled ? "settled" : "") : inWords(item.decision);
    const words = button.lastElementChild;
    words.textContent = state ? `✓ ${state}` : `${item.labels.join(" and ")}?`;
    words.classList.toggle("is-decided", Boolean(state));
    if (index === at) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  };
  const drawStrip = () => {
    const strip = byId("strip");
    for (const [index, item] of items.entries()) {
      if (strip.children[index]) continue;
      const button = made("button", { type: "button" }, made("img", { src: picture(item.sha256, "small"), alt: "", loading: "lazy" }), made("span"));
      button.addEventListener("click", () => go(index));
      strip.append(made("li", {}, button));
    }
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
      back.addEventListener("click", async () => {
        try {
          await send(one, null);
          back.replaceWith("taken back");
        } catch (error) { trouble(error.message); }
      });
      return [code(one.path), inWords(one.decision), back];
    }));
  };

  // ---------------------------------------------------------------- what is done

  // The heading is read out, and no button keeps the focus that a space would press again.
  const go = (index) => {
    at = Math.min(Math.max(index, 0), items.length - 1);
    draw();
    byId("question").focus({ preventScroll: true });
    byId("stage").scrollIntoView({ block: "nearest" });
    const strip = byId("strip");
    strip.scrollTop = strip.children[at].offsetTop - strip.clientHeight / 3;
  };
  const nextOpen = () => {
    const order = [...items.keys()].map((step) => (at + 1 + step) % items.length);
    return order.find((index) => isOpen(items[index])) ?? at;
  };
  const decide = (decision) => {
    const item = items[at];
    if (!item || decision === null) return;
    done.push([item, item.decision]);
    change(item, decision);
    go(nextOpen());
  };
  const undo = () => {
    if (!done.length) return;
    const [item, before] = done.pop();
    change(item, before);
    go(items.indexOf(item));
  };

  const keys = () => ({
    ...Object.fromEntries(classes.filter((label) => classKeys[label]).map((label) => [classKeys[label], [`it is ${label}`, () => decide(label)]])),
    " ": ["keep the label that it has", () => decide(ownLabel(items[at]))],
    x: ["leave the image out", () => decide(EXCLUDE)],
    u: ["undo", undo],
    j: ["next image", () => go(at + 1)],
    k: ["image before", () => go(at - 1)],
    ArrowRight: ["next image", () => go(at + 1)],
    ArrowLeft: ["image before", () => go(at - 1)],
  });
  const MOVES = ["j", "k", "ArrowRight", "ArrowLeft"];
  const NAMES = { " ": "space", ArrowRight: "→", ArrowLeft: "←" };

  // The page's own keys come before those of the reports' script, and stand in its list of keys.
  const listenToKeys = () => {
    const dialog = byId("keys");
    const list = Object.entries(keys()).flatMap(([key, [words]]) => [made("dt", {}, made("kbd", {}, NAMES[key] ?? key)), made("dd", {}, words)]);
    dialog.querySelector(".keys").replaceChildren(made("dt", {}, made("kbd", {}, "?")), made("dd", {}, "show these keys"), ...list);
    addEventListener("keydown", (event) => {
      const on = event.target;
      if (event.ctrlKey || event.metaKey || event.altKey || on.closest?.("input, select, dialog")) return;
      if (!dialog.querySelector("input").checked || (event.key === " " && on.closest?.("button, a"))) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const mine = keys();
      if (!Object.hasOwn(mine, key)) return;
      event.preventDefault();
      event.stopPropagation();
      if (items.length && (!event.repeat || MOVES.includes(key))) mine[key][1](); // who holds a key decides once
    }, { capture: true });
  };

  document.addEventListener("DOMContentLoaded", async () => {
    try {
      const found = await ask("/doubts");
      [items, classes, classKeys, inAll] = [found.doubts, found.classes, found.keys, found.in_all];
      listenToKeys();
      drawTables(found);
      for (const id of ["stage", "strip"]) byId(id).closest("section").hidden = !items.length;
      drawStrip();
      at = Math.max(items.findIndex(isOpen), 0);
      draw();
    } catch (error) {
      byId("progress").textContent = "The list could not be worked out.";
      trouble(error.message);
    }
  });
})();

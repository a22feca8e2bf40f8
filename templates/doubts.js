// The list of doubtful labels as the server has it, and the decisions on their way there.
import { ask } from "/static/served.js";

export const EXCLUDE = "exclude";
export const isOpen = (item) => item.decision === null && !item.settled;
export const ownLabel = (item) => (item.labels.length === 1 ? item.labels[0] : null);

export const send = (sha256, decision) => ask("/decisions", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ sha256, decision }),
  keepalive: true, // also when the page is left
  priority: "high", // before the pictures
});

export class Doubts {
  items = [];
  classes = [];
  keys = {};
  inAll = 0;
  unsent = 0;
  #sending = new Map(); // by content: what comes later about an image must arrive later
  #following = false;
  #again = false;
  #changed;
  #trouble;

  // `changed` is called when something has come from the server, `trouble` with words, or "" when it is over.
  constructor(changed, trouble) {
    this.#changed = changed;
    this.#trouble = trouble;
  }

  // Returns the whole document.
  async load() {
    const found = await ask("/doubts");
    [this.items, this.classes, this.keys, this.inAll] = [found.doubts, found.classes, found.keys, found.in_all];
    return found;
  }

  // The item has the decision at once, since the next key may come before the answer.
  decide(item, decision) {
    const before = item.decision;
    item.decision = decision;
    this.unsent += 1;
    const earlier = this.#sending.get(item.sha256) ?? Promise.resolve();
    this.#sending.set(item.sha256, earlier.then(async () => {
      try {
        await send(item.sha256, decision);
        this.#trouble("");
        if (item.kind === "conflict") this.#follow().catch((error) => this.#trouble(error.message));
      } catch (error) {
        item.decision = before;
        this.#trouble(`It was not kept (${item.path}): ${error.message}`);
      }
      this.unsent -= 1;
      this.#changed();
    }));
  }

  // What was decided about an image can settle the one that looks like it, or bring up another. The server has
  // to compare all images for that, so it is asked once more for all that was decided in the meantime.
  async #follow() {
    this.#again = true;
    if (this.#following) return;
    this.#following = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.#merge(await ask("/doubts"));
      }
    } finally {
      this.#following = false;
    }
  }

  #merge(found) {
    for (const now of found.doubts) {
      const known = this.items.find((item) => item.sha256 === now.sha256);
      if (!known) this.items.push(now);
      else Object.assign(known, { settled: now.settled, reason: now.reason, suggested: now.suggested, partner: now.partner });
    }
    this.inAll = found.in_all;
    this.#changed();
  }
}

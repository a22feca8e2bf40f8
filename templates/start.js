// An image is dropped, pasted or chosen; the champion's answer appears, with a tint where it sees the class.
import { ask, byId, made } from "/static/served.js";

const file = byId("file");
const drop = file.closest(".drop");
const tints = byId("tints").querySelector("input");
const say = (words) => { byId("said").textContent = words; };
// Only what is certain is called so.
const percent = (share) => `${Math.min(share * 100, share < 1 ? 99.9 : 100).toFixed(1)} %`;

const answerTo = async (image) => {
  const most = Number(file.dataset.mostBytes);
  if (image.size > most) throw new Error(`the image is larger than ${most / 2 ** 20} MiB`);
  const form = new FormData();
  form.append("file", image);
  return ask("/predict?picture=true", { method: "POST", body: form });
};

const place = (tint, map, answer) => {
  tint.src = map.png;
  for (const [side, pixels, whole] of [
    ["left", map.x, answer.width], ["top", map.y, answer.height],
    ["width", map.width, answer.width], ["height", map.height, answer.height],
  ]) tint.style[side] = `${(100 * pixels) / whole}%`;
  tint.alt = `Where the model sees ${answer.label}`;
  tint.hidden = !tints.checked;
};

const rowOf = (label, probability) => {
  const meter = made("meter", { value: probability, "aria-hidden": "true" }); // the number beside it says the same
  return made("tr", {}, made("th", { scope: "row" }, label), made("td", {}, meter), made("td", {}, percent(probability)));
};

const show = (image, answer) => {
  const card = byId("answer").content.cloneNode(true).firstElementChild;
  const name = image.name || "the pasted image";
  const picture = card.querySelector(".picture");
  picture.src = answer.picture;
  picture.alt = name;
  if (answer.heat_map) place(card.querySelector(".tint"), answer.heat_map, answer);
  card.querySelector("h2").textContent = `${answer.label}, ${percent(answer.probability)}`;
  card.querySelector("tbody").append(...Object.entries(answer.probabilities).map(([label, p]) => rowOf(label, p)));
  card.querySelector(".small").textContent = `${name}, ${answer.width} × ${answer.height} pixels, by run ${answer.run}`
    + (answer.heat_map ? "" : "; this model cannot say where it looks");
  byId("answers").prepend(card);
  byId("tints").hidden = false;
};

const classify = async (images) => {
  const failed = [];
  for (const [number, image] of images.entries()) {
    say(`Looking at image ${number + 1} of ${images.length}.`);
    try {
      show(image, await answerTo(image));
    } catch (error) {
      failed.push(`${image.name || "The pasted image"}: ${error.message}.`);
    }
  }
  const first = byId("answers").querySelector("h2");
  say(failed.join(" ") || (images.length === 1 && first ? `It is a ${first.textContent}.` : "Done."));
};

let queue = Promise.resolve();
const take = (list) => {
  const images = [...list];
  if (images.length) queue = queue.then(() => classify(images));
};
file.addEventListener("change", () => { take(file.files); file.value = ""; });
addEventListener("paste", (event) => take(event.clipboardData.files));
addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});

tints.addEventListener("change", () => {
  for (const tint of document.querySelectorAll(".tint[src]")) tint.hidden = !tints.checked;
});

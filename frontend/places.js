/** Reasons for single places of a file: data-add-place adds one more pair of place and reason. */
import { init as dress } from "./select.js";

export function init(root) {
  for (const box of root.querySelectorAll("[data-places]")) start(box);
}

function start(box) {
  const button = box.querySelector("[data-add-place]");
  const pattern = box.querySelector("template");
  button.addEventListener("click", () => {
    const number = box.querySelectorAll(":scope > .tm-place").length + 1;
    const made = pattern.content.firstElementChild.cloneNode(true);
    for (const node of made.querySelectorAll("[aria-label]")) {
      node.setAttribute("aria-label", node.getAttribute("aria-label").replace("{n}", number));
    }
    button.before(made);
    dress(made);
    button.hidden = number >= Number(box.dataset.places);
  });
}

/** The frame of the page: side menu, messages, row density, small toggles. */
import { load } from "./fragment.js";

const DENSITY = "tm-density";
const root = document.documentElement;

export function start() {
  compact(localStorage.getItem(DENSITY) === "compact");
  for (const button of document.querySelectorAll("[data-back]")) button.hidden = history.length < 2;
  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    const toggle = hit("[data-toggle]");
    if (toggle) show(document.querySelector(toggle.dataset.toggle), toggle);
    else if (hit("[data-side]")) side(true);
    else if (hit("[data-side-close]")) side(false);
    else if (hit("[data-close-flash]")) hit("[data-flash]").remove();
    else if (hit("[data-density]")) compact(!root.classList.contains("tm-compact"), true);
    else if (hit("[data-peek]")) peek(hit("[data-peek]"));
    else if (hit("[data-back]")) history.back();
    else if (hit("[data-print]")) print();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") side(false);
  });
}

async function show(target, button) {
  target.hidden = !target.hidden;
  button.setAttribute("aria-expanded", String(!target.hidden));
  if (target.hidden) return;
  if (target.dataset.src) await load(target);
  target.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

function side(open) {
  const menu = document.querySelector("#tm-side");
  const button = document.querySelector("[data-side]");
  if (!menu || !button || menu.classList.contains("tm-open") === open) return;
  menu.classList.toggle("tm-open", open);
  document.querySelector("[data-side-close]").hidden = !open;
  button.setAttribute("aria-expanded", String(open));
  (open ? menu.querySelector("a") : button).focus();
}

function compact(yes, keep = false) {
  root.classList.toggle("tm-compact", yes);
  for (const button of document.querySelectorAll("[data-density]")) button.setAttribute("aria-pressed", String(yes));
  if (keep) localStorage.setItem(DENSITY, yes ? "compact" : "");
}

function peek(button) {
  const field = document.querySelector(button.dataset.peek);
  field.type = field.type === "password" ? "text" : "password";
  button.setAttribute("aria-pressed", String(field.type === "text"));
}

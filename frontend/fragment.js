/** Parts of a page that load when they are seen: data-src; data-poll="2" asks again every two seconds. */
import { text } from "./text.js";

let enliven = () => {};

export function start(init) {
  enliven = init;
  document.addEventListener("shown.bs.tab", (event) => {
    const pane = document.querySelector(event.target.dataset.bsTarget);
    if (pane?.dataset.src) load(pane);
    // Whoever opens a tab from far down begins to read at its head.
    const places = pane?.parentElement;
    if (places && places.getBoundingClientRect().top < 0) places.scrollIntoView({ block: "start", behavior: "instant" });
    history.replaceState(null, "", `#${pane.id}`);
  });
  // A tab named in the address opens at once; without a name the first one is open already.
  const name = decodeURIComponent(location.hash.slice(1));
  const tab = name && document.querySelector(`[data-bs-toggle=tab][data-bs-target="#${CSS.escape(name)}"]`);
  if (!tab) return;
  tab.click();
  // The browser has put the focus into the panel; reading starts at the top all the same.
  addEventListener("load", () => document.activeElement.matches(".tab-pane") && document.activeElement.blur());
}

export function init(root) {
  for (const node of root.querySelectorAll("[data-src]")) {
    if (!node.hidden && (!node.matches(".tab-pane") || node.matches(".active"))) load(node);
  }
  for (const node of root.querySelectorAll("[data-poll]")) repeat(node);
}

/** Fill a part of the page from its address, once. */
export async function load(node, address = node.dataset.src, again = false) {
  if (node.dataset.loaded === address && !again) return;
  node.dataset.loaded = address;
  if (!node.querySelector(":scope > :not([type=hidden])")) node.append(waiting());
  node.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { "X-Requested-With": "fragment" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    node.replaceChildren(...page.body.childNodes);
    keepInside(node, address);
    enliven(node);
    document.dispatchEvent(new CustomEvent("tm:loaded", { detail: node }));
  } catch {
    delete node.dataset.loaded;
    const kept = node.querySelectorAll(":scope > [type=hidden]");
    node.replaceChildren(...kept, failed(() => load(node, address)));
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** Sorting and paging of a loaded list stay in its place. */
function keepInside(node, address) {
  const path = new URL(address, location.href).pathname;
  const inside = (url) => new URL(url, location.href).pathname === path;
  for (const link of node.querySelectorAll("a[href]")) {
    if (link.target || !inside(link.href)) continue;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      load(node, link.href);
    });
  }
}

function repeat(node) {
  const place = node.closest("[data-src]");
  const address = place?.dataset.loaded ?? node.dataset.from ?? location.href;
  setTimeout(() => {
    if (node.isConnected) load(place ?? node.parentElement, address, true);
  }, Number(node.dataset.poll) * 1000);
}

function waiting() {
  const note = document.createElement("p");
  note.className = "tm-waiting";
  note.textContent = text("loading");
  return note;
}

function failed(retry) {
  const box = document.createElement("div");
  const words = document.createElement("p");
  const button = document.createElement("button");
  box.className = "tm-empty";
  box.setAttribute("role", "alert");
  words.textContent = text("failed");
  button.className = "btn";
  button.type = "button";
  button.textContent = text("retry");
  button.addEventListener("click", retry);
  box.append(words, button);
  return box;
}

/** Sealed values: data-reveal asks for the purpose, posts it, and puts the whole value in its place. */
import { csrfToken } from "./text.js";

let place = null;

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    const dialog = document.querySelector("#tm-reveal");
    if (!button || !dialog) return;
    place = button.parentElement;
    const form = dialog.querySelector("form");
    form.elements.key.value = button.dataset.reveal;
    form.elements.record.value = button.dataset.record;
    form.querySelector("[data-refused]").hidden = true;
    dialog.showModal();
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-reveal-form]")) return;
    event.preventDefault();
    send(event.target);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open-tab]");
    const tab = link && document.querySelector(`[data-bs-toggle=tab][data-bs-target="#${CSS.escape(link.hash.slice(1))}"]`);
    if (!tab) return;
    event.preventDefault();
    tab.click();
    tab.scrollIntoView({ block: "nearest", inline: "center" });
  });
}

async function send(form) {
  const answer = await fetch(form.action, {
    method: "POST",
    redirect: "manual",
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: new URLSearchParams(new FormData(form)),
  }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (!answer?.ok || !body?.value) {
    const note = form.querySelector("[data-refused]");
    note.textContent = body?.message ?? document.documentElement.dataset.tFailed;
    note.hidden = false;
    return;
  }
  place.querySelector("[data-sealed]").textContent = body.value;
  place.querySelector("[data-reveal]").remove();
  form.closest("dialog").close();
}

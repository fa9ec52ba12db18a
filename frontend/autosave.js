/** Drafts: form[data-autosave=address] posts what changed after a pause, and says so. */
import { offerSignIn } from "./session.js";
import { csrfToken, text } from "./text.js";

const PAUSE = 3000;
const NEVER = new Set(["csrf_token", "submit_key", "next", "_version"]);

export function init(root) {
  for (const form of root.querySelectorAll("form[data-autosave]")) start(form);
}

function start(form) {
  let saved = snapshot(form);
  let timer = null;
  let running = false;
  const state = form.querySelector("[data-save-state]");

  async function save() {
    const now = snapshot(form);
    const changed = [...now].filter(([name, value]) => saved.get(name) !== value);
    if (running || changed.length === 0) return;
    running = true;
    try {
      const answer = await send(form.dataset.autosave, changed);
      if (answer === "signed out") return offerSignIn();
      saved = now;
      state.textContent = text("draft", { time: new Date().toTimeString().slice(0, 5) });
      state.classList.remove("tm-bad");
    } catch {
      state.textContent = text("draftFailed");
      state.classList.add("tm-bad");
    } finally {
      running = false;
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  form.addEventListener("submit", () => clearTimeout(timer));
  document.addEventListener("tm:signed-in", save);
}

/** The values of a form as text, several values of one name joined as the server reads them. */
function snapshot(form) {
  const values = new Map();
  for (const [name, value] of new FormData(form)) {
    if (NEVER.has(name) || typeof value !== "string" || form.elements[name]?.type === "password") continue;
    values.set(name, values.has(name) ? `${values.get(name)},${value}` : value);
  }
  // A box that was unticked is missing from the data: send it as empty.
  for (const box of form.querySelectorAll("input[type=checkbox][name]")) {
    if (!box.disabled && !values.has(box.name)) values.set(box.name, "");
  }
  return values;
}

async function send(address, changed) {
  const answer = await fetch(address, {
    method: "POST",
    redirect: "manual",
    headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
    body: new URLSearchParams(changed),
  });
  if (answer.type === "opaqueredirect" || answer.status === 401) return "signed out";
  if (!answer.ok) throw new Error(String(answer.status));
  return "saved";
}

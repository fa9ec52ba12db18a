/** Questions before an act: data-confirm asks yes or no, data-dialog opens a dialog of its own. */
import { chosen } from "./list.js";
import { fill } from "./text.js";

let serial = 0;

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-close]")) button.closest("dialog").close();
    else if (button.matches("[data-dialog]")) open(button);
    else if (button.matches("[data-send]")) check(event, button.closest("dialog"));
    else if (button.matches("[data-confirm]") && !button.dataset.asked) {
      event.preventDefault();
      ask(button);
    }
  });
}

function values(form) {
  return { n: form?.matches("[data-rows]") ? chosen(form).toLocaleString("en") : "1" };
}

function open(button) {
  const dialog = document.querySelector(button.dataset.dialog);
  for (const node of dialog.querySelectorAll("[data-text]")) {
    node.textContent = fill(node.dataset.text, values(button.form));
  }
  free(dialog, button.form);
  dialog.showModal();
  dialog.querySelector("textarea, input:not([type=hidden])")?.focus();
}

/** A dialog inside a closed menu would stay invisible: take it out, but keep it in its form. */
function free(dialog, form) {
  if (!dialog.closest(".dropdown-menu")) return;
  if (!form.id) form.id = `tm-form-${(serial += 1)}`;
  for (const control of dialog.querySelectorAll("button, textarea, input")) control.setAttribute("form", form.id);
  document.body.append(dialog);
}

function check(event, dialog) {
  const fields = [...dialog.querySelectorAll("[data-required]")];
  if (fields.length === 0) return;
  const missing = fields.filter((field) => (field.type === "checkbox" ? !field.checked : field.value.trim() === ""));
  dialog.querySelector("[data-missing]").hidden = missing.length === 0;
  for (const field of fields) field.classList.toggle("is-invalid", missing.includes(field));
  if (missing.length > 0) {
    event.preventDefault();
    missing[0].focus();
  }
}

function ask(button) {
  const dialog = document.querySelector("#tm-confirm");
  dialog.querySelector("[data-text]").textContent = fill(button.dataset.confirm, values(button.form));
  const yes = dialog.querySelector("[data-yes]");
  const danger = "danger" in button.dataset;
  yes.classList.toggle("btn-danger", danger);
  yes.classList.toggle("btn-primary", !danger);
  yes.onclick = () => {
    dialog.close();
    button.dataset.asked = "yes";
    button.click();
    delete button.dataset.asked;
  };
  dialog.showModal();
}

/** The filter panel: an operator renames its control, empty controls are not sent. */
import { csrfToken } from "./text.js";

// Numbers of people never stand in an address, where logs and history would keep them.
const PERSONAL = /^\s*(1[3-9]\d{9}|\d{15}|\d{17}[\dXx])\s*$/;

export function init(root) {
  for (const form of root.querySelectorAll("form[data-filter], form[data-lookup]")) start(form);
  for (const select of root.querySelectorAll("select[data-go]")) {
    select.addEventListener("change", () => location.assign(select.value));
  }
  for (const operator of root.querySelectorAll("[data-operator]")) {
    operator.addEventListener("change", () => {
      operator.parentElement.querySelector("[name^=_flt_]").name = operator.value;
    });
  }
  for (const button of root.querySelectorAll("[data-clear]")) button.addEventListener("click", () => empty(button.form));
}

function empty(form) {
  for (const control of form.querySelectorAll("[name^=_flt_]")) {
    if (control.tomselect) control.tomselect.clear();
    else control.value = "";
  }
}

function start(form) {
  form.addEventListener("submit", (event) => {
    const text = form.elements.q?.value ?? "";
    if (form.dataset.lookup && PERSONAL.test(text)) {
      event.preventDefault();
      post(form.dataset.lookup, { csrf_token: csrfToken(), q: text.trim() });
      return;
    }
    const empty = [...form.elements].filter((control) => control.name && !control.value.trim());
    for (const control of empty) control.disabled = true;
    // Coming back by the browser's button finds the page as it was left.
    addEventListener("pagehide", () => empty.forEach((control) => (control.disabled = false)), { once: true });
  });
}

function post(address, values) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = address;
  for (const [name, value] of Object.entries(values)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

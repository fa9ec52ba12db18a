/** Forms: a warning before leaving, one sending only, the first error, fields that depend on others. */
import { alive, offerSignIn } from "./session.js";

const LONG_OPEN = 10 * 60 * 1000; // After ten minutes the session may have ended: look before sending.
const opened = Date.now();

export function init(root) {
  for (const form of root.querySelectorAll("form[data-form]")) start(form);
  root.querySelector("[data-errors]")?.focus();
}

function start(form) {
  let dirty = false;
  let sent = false;
  const rows = [...form.querySelectorAll("[data-visible-when]")];
  const update = () => rows.forEach((row) => depend(form, row));
  form.addEventListener("input", () => {
    dirty = true;
    update();
  });
  form.addEventListener("change", update);
  update();
  addEventListener("beforeunload", (event) => {
    if (dirty && !sent && !("plain" in form.dataset)) event.preventDefault();
  });
  addEventListener("pageshow", () => {
    sent = false;
    freeze(form, false);
  });
  form.addEventListener("submit", async (event) => {
    if (sent) return event.preventDefault();
    if (!("plain" in form.dataset) && !form.dataset.checked && Date.now() - opened > LONG_OPEN) {
      event.preventDefault();
      if (!(await alive())) return offerSignIn();
      form.dataset.checked = "yes";
      return form.requestSubmit(event.submitter);
    }
    sent = true;
    // After this turn, so that the pressed button still sends its own value.
    setTimeout(() => freeze(form, true));
  });
}

function freeze(form, frozen) {
  for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) button.disabled = frozen;
  form.classList.toggle("tm-sending", frozen);
}

/** Links of the error summary lead to the control, also where a select is dressed up. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-errors] a[href^='#']");
  const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!target) return;
  event.preventDefault();
  target.closest(".tm-field")?.scrollIntoView({ block: "center" });
  (target.tomselect ?? target).focus();
});

function valuesOf(form, name) {
  return [...form.elements]
    .filter((control) => control.name === name && !control.closest("[hidden]"))
    .flatMap((control) => {
      if (control.type === "checkbox" || control.type === "radio") return control.checked ? [control.value] : [];
      return control.selectedOptions ? [...control.selectedOptions].map((option) => option.value) : [control.value];
    });
}

/** "a=1|2&b!=3": every part must hold; a part holds when one of its values is chosen. */
export function holds(rule, read) {
  return rule.split("&").every((part) => {
    const [, name, operator, wanted] = part.match(/^(\w+)(!?=)(.*)$/);
    const found = read(name).some((value) => wanted.split("|").includes(value));
    return found === (operator === "=");
  });
}

function depend(form, row) {
  const visible = holds(row.dataset.visibleWhen, (name) => valuesOf(form, name));
  if (row.hidden === !visible) return;
  row.hidden = !visible;
  const note = form.querySelector(`[data-note-for="${CSS.escape(row.dataset.field)}"]`);
  if (note) note.hidden = visible;
  for (const control of row.querySelectorAll("input, select, textarea")) {
    control.disabled = !visible; // What is not asked for is not sent.
    if (control.tomselect) control.tomselect[visible ? "enable" : "disable"]();
  }
}

/** Marking rows: a page, a range with shift, or everything that matches; the bar with the acts. */
import { text } from "./text.js";

export function init(root) {
  for (const frame of root.querySelectorAll("form[data-rows] > .tm-scroll")) watchWidth(frame);
  for (const form of root.querySelectorAll("form[data-rows]")) start(form);
}

/** Heads stay in sight only where nothing has to scroll sideways: CSS cannot do both. */
function watchWidth(frame) {
  const observer = new ResizeObserver(() => {
    const table = frame.querySelector("table");
    frame.classList.toggle("tm-fits", innerWidth > 767 && table.offsetWidth <= frame.clientWidth);
  });
  observer.observe(frame);
  observer.observe(frame.querySelector("table"));
}

/** How many rows the acts of a list form are about. */
export function chosen(form) {
  if (form.querySelector("[data-select-all]")?.value) return Number(form.elements.count.value);
  return form.querySelectorAll("input[name=rowid]:checked").length;
}

function start(form) {
  // Enter in a checkbox would press the first button of the form.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
  });
  const bar = form.querySelector("[data-bulk]");
  if (!bar) return;
  const boxes = [...form.querySelectorAll("input[name=rowid]")];
  const head = form.querySelector("[data-check-all]");
  const whole = form.querySelector("[data-select-all]");
  const everything = bar.querySelector("[data-everything]");
  let last = null;

  function show() {
    const marked = boxes.filter((box) => box.checked).length;
    bar.hidden = marked === 0;
    form.classList.toggle("tm-choosing", marked > 0);
    bar.querySelector("[data-chosen]").textContent = text("chosen", { n: chosen(form).toLocaleString("en") });
    head.checked = marked === boxes.length;
    head.indeterminate = marked > 0 && marked < boxes.length;
    if (everything) everything.hidden = whole.value !== "" || marked < boxes.length;
    for (const box of boxes) box.closest("tr").classList.toggle("tm-chosen", box.checked);
  }

  function mark(which, checked) {
    whole.value = "";
    for (const box of which) box.checked = checked;
    show();
  }

  form.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches?.("input[name=rowid]")) return;
    const range = event.shiftKey && last ? between(boxes, last, box) : [box];
    last = box;
    mark(range, box.checked);
  });
  head.addEventListener("change", () => mark(boxes, head.checked));
  everything?.addEventListener("click", () => {
    whole.value = "1";
    show();
  });
  bar.querySelector("[data-none]").addEventListener("click", () => mark(boxes, false));
  show();
}

function between(boxes, one, other) {
  const [from, to] = [boxes.indexOf(one), boxes.indexOf(other)].sort((a, b) => a - b);
  return boxes.slice(from, to + 1);
}

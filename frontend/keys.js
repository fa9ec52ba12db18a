/** Keys for people who work through a queue: data-shortcut="a" on a button or link; j and k walk rows. */
export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || busy(event.target)) return;
    const key = event.key.toLowerCase();
    if (press(key) || (key === "/" && search()) || walk(key)) event.preventDefault();
  });
}

function busy(target) {
  const typing = target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  return Boolean(typing || document.querySelector("dialog[open]"));
}

function press(key) {
  const wanted = [...document.querySelectorAll(`[data-shortcut="${CSS.escape(key)}"]`)];
  const button = wanted.find((each) => each.getClientRects().length > 0 && !each.disabled);
  button?.click();
  return Boolean(button);
}

function search() {
  const box = document.querySelector(".tm-quick input, .tm-search input");
  box?.focus();
  return Boolean(box);
}

/** Walk the rows of the list: j down, k up, x marks. */
function walk(key) {
  const links = [...document.querySelectorAll("form[data-rows] td.tm-first a")];
  if (links.length === 0 || !["j", "k", "x"].includes(key)) return false;
  const row = document.activeElement.closest("tr");
  const here = links.findIndex((link) => link.closest("tr") === row);
  if (key === "x") {
    row?.querySelector("input[name=rowid]")?.click();
    return true;
  }
  const next = key === "j" ? Math.min(here + 1, links.length - 1) : Math.max(here - 1, 0);
  links[next].focus();
  return true;
}

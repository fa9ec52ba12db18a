/** Selects that are searched by typing: data-select="local" in the page, "remote" at data-url. */
import TomSelect from "tom-select/base";
import clearButton from "tom-select/plugins/clear_button/plugin.js";
import removeButton from "tom-select/plugins/remove_button/plugin.js";
import { text } from "./text.js";

TomSelect.define("clear_button", clearButton);
TomSelect.define("remove_button", removeButton);

export function init(root) {
  for (const element of root.querySelectorAll("select[data-select]:not(.tomselected)")) enhance(element);
}

function enhance(element) {
  const remote = element.dataset.select === "remote";
  const label = element.labels?.[0]?.textContent.trim() || element.getAttribute("aria-label") || "";
  const select = new TomSelect(element, {
    plugins: element.multiple ? ["remove_button"] : element.required ? [] : ["clear_button"],
    allowEmptyOption: false,
    maxOptions: 500,
    render: { option: draw, item: draw, no_results: nothing, loading },
    ...(remote ? remoteOptions(element) : {}),
  });
  // The look of the plain select would lie over that of the control inside.
  select.wrapper.classList.remove("form-select");
  // The original stays in the page for the form; nobody should meet it.
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-hidden", "true");
  element.tabIndex = -1;
  select.control_input.setAttribute("aria-label", label);
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (element.hasAttribute(name)) select.control_input.setAttribute(name, element.getAttribute(name));
  }
  if (remote) select.control_input.placeholder = text("search");
  if (element.dataset.depends) follow(element, select);
}

/** What was chosen no longer fits when the choice it depends on changes. */
function follow(element, select) {
  element.form?.addEventListener("change", (event) => {
    if (event.target.name !== element.dataset.depends) return;
    select.clear();
    select.clearOptions();
  });
}

function remoteOptions(element) {
  return {
    valueField: "id",
    labelField: "text",
    searchField: [],
    preload: "focus",
    refreshThrottle: 0,
    // What was found for other words must not be chosen by a quick Enter.
    onType() {
      this.clearOptions();
      this.refreshOptions(false);
    },
    load(query, done) {
      this.clearOptions();
      const address = new URL(element.dataset.url, location.href);
      address.searchParams.set("q", query);
      const governor = element.dataset.depends && element.form?.elements[element.dataset.depends];
      if (governor) address.searchParams.set("of", governor.value);
      fetch(address, { headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok && !answer.redirected ? answer.json() : { items: [] }))
        .then((answer) => done(answer.items))
        .catch(() => done([]));
    },
  };
}

/** Options are nodes, never HTML: names of schools and people are not ours. */
function draw(item) {
  const node = document.createElement("div");
  node.textContent = item.text || "—";
  if (item.hint) {
    const hint = document.createElement("small");
    hint.textContent = item.hint;
    node.append(hint);
  }
  return node;
}

function note(words) {
  const node = document.createElement("div");
  node.className = "no-results";
  node.textContent = words;
  return node;
}

const nothing = () => note(text("none"));
const loading = () => note(text("loading"));

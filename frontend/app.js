/** The entry of every page. Each module has init(root), which also runs on content loaded later. */
import { Dropdown, Tab } from "@tabler/core";
import * as autosave from "./autosave.js";
import * as dialog from "./dialog.js";
import * as filter from "./filter.js";
import * as form from "./form.js";
import * as fragment from "./fragment.js";
import * as keys from "./keys.js";
import * as list from "./list.js";
import * as photo from "./photo.js";
import * as places from "./places.js";
import * as reveal from "./reveal.js";
import * as select from "./select.js";
import * as shell from "./shell.js";

// Naming them keeps the plugins in the bundle; their data attributes do the rest.
export const plugins = { Dropdown, Tab };

const modules = [select, list, filter, form, autosave, fragment, photo, places];

export function init(root) {
  for (const module of modules) module.init(root);
}

photo.start(); // Its look at a form comes before that of the form itself.
shell.start();
dialog.start();
keys.start();
reveal.start();
fragment.start(init);
init(document);

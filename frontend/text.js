/** Words for the person come from data-t-* of <html>, in the language of the page. */
export function text(name, values = {}) {
  const words = document.documentElement.dataset[`t${name[0].toUpperCase()}${name.slice(1)}`] ?? "";
  return fill(words, values);
}

/** Put values into the {places} of a text. */
export function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function csrfToken() {
  return document.querySelector("meta[name=csrf-token]")?.content ?? "";
}

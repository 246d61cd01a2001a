// Elements of the page; text is never taken for markup.

/** @param {string} name @param {Record<string, any>} [values] @param {...(Node|string)} inside */
export function element(name, values = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(values)) {
    if (key === "dataset") Object.assign(made.dataset, value);
    else if (key.startsWith("aria-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...inside);
  return made;
}

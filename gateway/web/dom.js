/** Elements are built here and only with text: what a device says can never become markup. */

/** `element("p", {class: "note", text: "…", "aria-hidden": "true"}, child, …)`; null and undefined attributes are left out. */
export function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Writes only what changed, so that a card that stands still costs no layout. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function setData(target, name, value) {
  if (target.dataset[name] !== value) target.dataset[name] = value;
}

let serial = 0;

/** An id for a label and its field. */
export const freshId = (prefix) => `${prefix}-${++serial}`;

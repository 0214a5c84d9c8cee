// Builds elements. Text always becomes a text node: nothing that comes from a shop or a sink is read as markup.

const svg_namespace = "http://www.w3.org/2000/svg";

/**
 * h("a", { href: "#/runs", class: "quiet", onclick: f }, "Runs", [more, children]): `on…` listens, true sets an empty
 * attribute, false, null and undefined leave it out. Of the children, null, undefined and false are left out.
 */
export function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes, ...children) {
  return build(document.createElementNS(svg_namespace, tag), attributes, children);
}

/** Puts other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

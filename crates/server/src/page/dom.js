/*
 * Making and changing elements.
 *
 * Invariant: text that comes from elsewhere only ever becomes text. Nothing here, or anywhere on
 * the pages, reads it as HTML.
 */

import { state, word } from "./words.js";

/** An element; attributes that are null, undefined or false are left out. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(key, value === true ? "" : value);
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Sets a text, and touches the page only when it differs: a selection in it survives. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets custom properties, which the policy against inline styles allows a script to do. */
export function setVars(node, vars) {
  for (const [name, value] of Object.entries(vars)) node.style.setProperty(`--${name}`, value);
}

/** A status with its colour. */
export const pill = (run) => el("span", { class: `pill ${state(run)}` }, word(run));

/** One or more sentences where there is nothing else to show. */
export const sentence = (...content) => el("p", { class: "empty" }, ...content);

/** A message that stays in the corner of the page for as long as it is true. */
export function notice(text) {
  setText(byId("notice"), text);
}

/** Leads from all runs to this page. */
export function trail(...links) {
  byId("trail").replaceChildren(...links.map(([text, href]) => el("a", { href }, text)));
}

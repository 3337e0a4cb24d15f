/*
 * The picture of the graph: the server draws it once, the page changes its colours.
 *
 * Invariant: nothing in the picture moves while a run goes on; only the class of a step's group
 * and the text of its note change.
 */

import { getText, Refused, runPath } from "./api.js";
import { byId, setText, setVars } from "./dom.js";
import { state, title, took, word } from "./words.js";

/** A picture wider than this stands above the steps, not beside them. */
const BESIDE_MAX = 620;

export class Graph {
  #nodes = new Map();

  /** Fetches the picture. `onChoose` is called with the number of a step that is clicked. */
  async load(run, onChoose, signal) {
    let text;
    try {
      text = await getText(runPath(run, "graph.svg"), signal);
    } catch (error) {
      if (error instanceof Refused) return;
      throw error;
    }
    const picture = new DOMParser().parseFromString(adoptStyle(text), "image/svg+xml").documentElement;
    if (picture.localName !== "svg") return;
    this.#place(picture);
    for (const node of picture.querySelectorAll(".node")) {
      this.#nodes.set(Number(node.dataset.step), node);
      node.addEventListener("click", () => onChoose(Number(node.dataset.step)));
    }
  }

  #place(picture) {
    const width = Number(picture.getAttribute("width"));
    setVars(byId("board"), { "graph-width": `${width}px` });
    byId("board").classList.toggle("stacked", width > BESIDE_MAX);
    byId("graph").replaceChildren(document.adoptNode(picture));
    byId("graph").hidden = false;
  }

  /** Shows the steps' states and the chosen step. */
  show(steps, chosen) {
    for (const run of steps) {
      const node = this.#nodes.get(run.step);
      if (!node) continue;
      // A reused result has no status of its own: what the server drew stands.
      const drawn = node.classList.contains("reused") ? "reused" : state(run);
      const wanted = `node ${drawn}${run === chosen ? " chosen" : ""}`;
      if (node.getAttribute("class") !== wanted) node.setAttribute("class", wanted);
      setText(node.querySelector(".note"), took(run));
      setText(node.querySelector("title"), `${title(run)} · ${word(run)}`);
    }
  }
}

/** Takes the picture's style out of it: the policy of the page forbids a style element, but not a
 * sheet that a script makes. */
function adoptStyle(text) {
  return text.replace(/<style>([^<]*)<\/style>/, (_, rules) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    document.adoptedStyleSheets.push(sheet);
    return "";
  });
}

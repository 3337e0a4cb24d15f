/*
 * What a page says instead, when the server refuses it.
 */

import { enterWith, Refused } from "./api.js";
import { el } from "./dom.js";

/** The failure as a part of a page, with the way out where there is one. */
export function closed(error) {
  if (!(error instanceof Refused)) {
    console.error(error);
    return box("This page failed", `This is a fault of Stepwell: ${error.message}.`);
  }
  if (error.status === 401) {
    return box(
      "This page does not know you",
      "Open the address that your program printed last, or that run.get_portal_url() gives now: " +
        "it is good for twelve hours. Or enter a token here.",
      tokenForm(),
    );
  }
  const title = error.status === 404 ? "There is no such run" : "The server refused";
  return box(title, `${error.message}. ${error.hint}`);
}

const box = (title, text, ...more) =>
  el("div", { class: "closed" }, el("h2", {}, title), el("p", {}, text), ...more);

function tokenForm() {
  const kind = { type: "password", autocomplete: "off", required: true };
  const input = el("input", { ...kind, "aria-label": "Token" });
  const onsubmit = async (event) => {
    event.preventDefault();
    try {
      await enterWith(input.value.trim());
      location.reload();
    } catch (error) {
      input.setCustomValidity(error.message);
      input.reportValidity();
    }
  };
  input.addEventListener("input", () => input.setCustomValidity(""));
  return el("form", { class: "tools", onsubmit }, input, el("button", {}, "Open"));
}

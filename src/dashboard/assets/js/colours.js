// The colours of the style sheet for what is drawn on a canvas, and the choice between light and
// dark.

import { $, setText } from "./dom.js";

const CHOICES = ["auto", "light", "dark"];
const KEY = "millpond-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
let known = new Map();
let choice = "auto";

/** The value of the custom property `--name`. */
export function colour(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return known.get(name);
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function apply(changed) {
  document.documentElement.dataset.theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  setText($("theme"), `Theme: ${choice}`);
  known = new Map();
  changed();
}

/** Sets the theme, and calls `changed` whenever it is another one. */
export function startTheme(changed) {
  const saved = stored();
  if (CHOICES.includes(saved)) choice = saved;
  $("theme").addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // A browser without storage forgets the choice.
    }
    apply(changed);
  });
  dark.addEventListener("change", () => apply(changed));
  apply(() => {});
}

// Light, dark, or as the system says. Loaded before the first paint, so that nothing flashes.

const key = "catwalk-theme";
const choices = ["system", "light", "dark"];

/** What was chosen on this machine. */
export function chosen_theme() {
  const stored = localStorage.getItem(key);
  return choices.includes(stored) ? stored : "system";
}

/** Goes on to the next choice and returns it. */
export function next_theme() {
  const next = choices[(choices.indexOf(chosen_theme()) + 1) % choices.length];
  localStorage.setItem(key, next);
  apply(next);
  return next;
}

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

apply(chosen_theme());

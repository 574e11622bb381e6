// Dark or light, and the colours of the present theme for what draws on a canvas.
const KEEP = "patchrig-theme";
const followers = new Set();
const root = document.documentElement;
let cache = new Map();

export function colour(name) {
  if (!cache.has(name)) cache.set(name, getComputedStyle(root).getPropertyValue(`--${name}`).trim());
  return cache.get(name);
}

/** Call `follower` whenever the theme changes; returns what ends that. */
export function onTheme(follower) {
  followers.add(follower);
  return () => followers.delete(follower);
}

export function setTheme(theme) {
  root.dataset.theme = theme;
  cache = new Map();
  try { localStorage.setItem(KEEP, theme); } catch { /* a window without storage forgets it */ }
  for (const follower of followers) follower(theme);
}

export function toggleTheme() {
  setTheme(root.dataset.theme === "light" ? "dark" : "light");
}

function first() {
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "light" || asked === "dark") return asked;
  try {
    const kept = localStorage.getItem(KEEP);
    if (kept) return kept;
  } catch { /* as above */ }
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

root.dataset.theme = first();

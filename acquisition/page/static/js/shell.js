// What all screens have: header, theme, connection, the list of keys.
import { bind, showKeys } from "./keys.js";
import { toggleTheme } from "./theme.js";

const SCREENS = [["run", "Run"], ["review", "Review"], ["protocol", "Protocol"], ["rig", "Rig"]];

const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

/** Fill the header and footer of screen `name`; returns what changes them. */
export function shell(name) {
  const bar = document.getElementById("bar");
  const nav = make("nav", "");
  for (const [path, label] of SCREENS) {
    const link = make("a", "", label);
    link.href = `/${path}`;
    link.dataset.screen = path;
    if (path === name) link.setAttribute("aria-current", "page");
    nav.append(link);
  }
  const what = make("span", "what");
  what.dataset.name = "what";
  const link = make("span", "link");
  link.dataset.name = "link";
  const theme = make("button", "quiet", "Light / dark");
  theme.dataset.act = "theme";
  const help = make("button", "quiet", "Keys");
  help.dataset.act = "keys";
  bar.append(make("span", "brand", "patchrig"), nav, what, link, theme, help);
  bind({ key: "T", label: "Light or dark", button: theme, act: toggleTheme });
  bind({ key: "?", label: "All keys", button: help, act: showKeys });
  return {
    what(text) { what.textContent = text; what.title = text; document.title = `${text} · patchrig`; },
    link(state, text) { link.dataset.state = state; link.textContent = text; },
    foot: document.getElementById("foot"),
  };
}

export const GONE = "the page's server is gone";

/** fetch, or throw an Error that says that the server is gone. */
export async function fetched(path, options = {}) {
  try {
    return await fetch(path, options);
  } catch (error) {
    throw error instanceof TypeError ? new Error(GONE, { cause: error }) : error;
  }
}

/** GET JSON from the server, or throw an Error with its sentence. */
export async function get(path) {
  return answer(await fetched(path));
}

/** POST JSON to the server, or throw an Error with its sentence. */
export async function post(path, body) {
  return answer(await fetched(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));
}

async function answer(response) {
  const told = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(told.error);
  return told;
}

const STAY = 5000;

/** Tell the server now and then that somebody looks, for a screen without a WebSocket; say so if it does not answer. */
export function stays(page, path = "/api/here", take = () => {}) {
  async function ask() {
    try {
      take(await get(path));
      page.link("live", "connected");
    } catch (error) {
      page.link("broken", error.message);
    }
  }
  ask();
  return { again: ask, stop: setInterval(ask, STAY) };
}

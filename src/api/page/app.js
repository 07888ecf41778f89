// The frame: which page is shown, what is live, and the search box.

import { clock, get, h } from "/page/show.js";
import { pages } from "/page/pages.js";

const main = document.getElementById("main");
const lost = document.getElementById("lost");
let shown = null;
let turn = 0;

function pageOf(path) {
  for (const [pattern, page] of pages) {
    const found = pattern.exec(path);
    if (found) return [page, found.slice(1).map(decodeURIComponent)];
  }
  return null;
}

// Shows what the address says. A page may come back late: only the last one asked for is shown.
async function show(isFirst) {
  const own = ++turn;
  let page, words;
  try {
    [page, words] = pageOf(location.pathname) || [];
  } catch {
    page = null;
  }
  mark();
  let made;
  try {
    if (!page) throw { message: "There is no such page.", hint: "The overview leads everywhere." };
    made = await page(words, new URLSearchParams(location.search));
  } catch (problem) {
    made = {
      title: "Not found",
      content: [h("h1", {}, problem.status === 404 || !problem.code ? "Not found" : "This did not work"),
        h("section", { class: "sheet problem" }, h("p", {}, problem.message || String(problem)), problem.hint ? h("p", { class: "soft" }, problem.hint) : null)],
    };
  }
  if (own !== turn) return;
  shown = made;
  document.title = made.title === "Overview" ? "NAT-Coin" : `${made.title} · NAT-Coin`;
  main.replaceChildren(...made.content.flat(9).filter(Boolean));
  main.dataset.shown = location.pathname + location.search;
  if (isFirst) return;
  window.scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
}

function mark() {
  for (const link of document.querySelectorAll(".top nav a")) {
    const path = link.getAttribute("href");
    const below = { "/blocks": "/block/", "/payments": "/payment/", "/names": "/name/" }[path];
    const isHere = location.pathname === path || (below && location.pathname.startsWith(below));
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.getElementById("q").value = location.pathname === "/search" ? new URLSearchParams(location.search).get("q") || "" : "";
}

export function go(path) {
  history.pushState(null, "", path);
  show(false);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.hash || !pageOf(url.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search);
});
window.addEventListener("popstate", () => show(false));

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("q").value.trim();
  if (!text) return;
  const path = `/search?q=${encodeURIComponent(text)}`;
  try {
    const { results } = await get(`/v1${path}`);
    // What can mean one thing only is shown at once.
    go(results.length === 1 ? results[0].page : path);
  } catch {
    go(path);
  }
});

// "/" leads to the search box, as in many places.
document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("q").focus();
  }
});

let events = null;
function listen() {
  events = new EventSource("/v1/events");
  for (const kind of ["status", "block", "payment"]) {
    events.addEventListener(kind, (event) => {
      const value = JSON.parse(event.data);
      if (kind === "status") document.getElementById("network").textContent = value.network;
      shown?.live?.[kind]?.(value);
    });
  }
  events.addEventListener("open", () => {
    // What happened in between is asked for.
    if (!lost.hidden) show(true);
    lost.hidden = true;
  });
  events.addEventListener("error", () => {
    lost.hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
}

// A page that is left may be kept by the browser, with its stream, and few streams are allowed: it is closed.
window.addEventListener("pagehide", () => events?.close());
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  show(true);
  listen();
});

get("/v1/status").then((status) => {
  clock(status.time_ms);
  document.getElementById("network").textContent = status.network;
}, () => {});
show(true).then(listen);

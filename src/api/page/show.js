// Small pieces that all pages are made of. Text from the chain is only ever put in as text, never as markup.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export class Problem extends Error {
  constructor(error, status) {
    super(error.message);
    this.hint = error.hint;
    this.code = error.code;
    this.status = status;
  }
}

export async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: { accept: "application/json" } });
  } catch {
    throw new Problem({ code: "no_answer", message: "This node does not answer.", hint: "See whether it runs, then load the page again." }, 0);
  }
  const value = await response.json().catch(() => null);
  if (response.ok && value !== null) return value;
  throw new Problem(value?.error || { code: "unexpected", message: `The node answered ${response.status}.`, hint: "Load the page again." }, response.status);
}

export const many = (count, one, more) => `${number(count)} ${count === 1 ? one : more}`;
export const number = (value) => Number(value).toLocaleString("en");
export const short = (text) => (text && text.length > 20 ? `${text.slice(0, 10)}…${text.slice(-6)}` : text);

// Amounts come as decimal text and stay text: no sum of money passes through a floating point number.
export function amount(text) {
  const [whole, part = ""] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${grouped}.${part.replace(/0+$/, "").padEnd(2, "0")}`;
}

export const nat = (text) => `${amount(text)} NAT`;

// Times are told as their distance from now by the node's clock, and kept up to date.
let ahead = 0;
export function clock(nodeMs) {
  ahead = nodeMs - Date.now();
}

function distance(ms) {
  const seconds = Math.max(0, Math.round((Date.now() + ahead - ms) / 1000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

export function ago(ms, iso) {
  return h("time", { datetime: iso, title: iso, "data-ms": ms }, distance(ms));
}

export const when = (ms, iso) => [iso.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC"), h("span", { class: "soft" }, " (", ago(ms, iso), ")")];

setInterval(() => {
  for (const element of document.querySelectorAll("time[data-ms]")) {
    const text = distance(Number(element.dataset.ms));
    if (element.textContent !== text) element.textContent = text;
  }
}, 1000);

export const link = (path, ...content) => h("a", { href: path }, ...content);
export const blockLink = (height) => link(`/block/${height}`, `block ${number(height)}`);
export function person(address, name) {
  if (!address) return "";
  return link(`/account/${address}`, name ? `@${name}` : h("span", { class: "mono", title: address }, short(address)));
}

export function pairs(...rows) {
  const shown = rows.filter((row) => row && row[1] !== null && row[1] !== undefined && row[1] !== "");
  return h("dl", { class: "pairs" }, shown.map(([name, ...value]) => [h("dt", {}, name), h("dd", {}, ...value)]));
}

export const hash = (text) => h("span", { class: "mono" }, text);

export function copyable(text) {
  const button = h("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy it";
    }
  });
  return [h("pre", {}, text), button];
}

// How to check what a page shows without believing this node.
export function verify(proof, says, command, raw) {
  const anchor = proof?.anchor;
  const on = !anchor
    ? null
    : anchor.height === 0
      ? h("p", {}, "It rests on the genesis of the network: no block has been made yet.")
      : h("p", {}, "It rests on ", blockLink(anchor.height), ", signed by ", anchor.signed_by.join(", "), `: ${anchor.signed_by.length} of ${anchor.validators} nodes, ${anchor.needed} needed.`);
  return h("details", { class: "verify" },
    h("summary", {}, "Verify this yourself"),
    h("div", {},
      h("p", {}, says), on,
      h("p", {}, "Your own program asks the nodes of your bootstrap file, and checks signatures and proof itself:"),
      copyable(command),
      raw ? h("p", {}, link(raw, "The answer with its proof, as JSON"), h("span", { class: "soft" }, " (header, certificate and Merkle path in the bytes of the query protocol)")) : null));
}

export function payment(one, own) {
  const received = own && one.sender !== own;
  const what = one.kind === "name"
    ? [person(one.sender, one.sender_name), " takes the name ", link(`/name/${one.name}`, `@${one.name}`)]
    : one.kind === "payment"
      ? [person(one.sender, one.sender_name), " pays ", person(one.to, one.to_name)]
      : [person(one.sender, one.sender_name), " ", one.summary || "does something else"];
  return h("li", { "data-payment": one.transaction },
    h("span", { class: "what" }, what, one.memo ? h("span", { class: "note" }, one.memo_is_private ? "private memo" : `“${one.memo}”`) : null),
    one.amount ? h("span", { class: received ? "amount in" : "amount" }, own ? (received ? "+" : "−") : "", nat(one.amount)) : null,
    h("span", { class: "side below" }, link(`/payment/${one.transaction}`, "details"), one.time_ms ? [" · ", ago(one.time_ms, one.time)] : null));
}

export function block(one) {
  return h("li", { "data-block": one.height },
    h("span", { class: "what" }, blockLink(one.height), h("span", { class: "note" }, one.transactions ? many(one.transactions, "transaction", "transactions") : "nothing but a sign of life")),
    h("span", { class: "side" }, one.proposer_node ? `by ${one.proposer_node}, ` : "", `signed by ${one.signed_by.length} of ${one.validators} · `, ago(one.time_ms, one.time)));
}

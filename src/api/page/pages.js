// The pages. Each asks the API for what it shows and gives its title, its content, and what to do with news.

import { ago, amount, block, blockLink, copyable, get, h, hash, link, many, nat, number, pairs, payment, person, verify, when } from "/page/show.js";
import { docs } from "/page/docs.js";

const WITH = "natcoin --bootstrap bootstrap.toml";
const SHOWN = 8;

function fresh(list, item, most) {
  item.classList.add("fresh");
  list.prepend(item);
  while (list.children.length > most) list.lastElementChild.remove();
}

function tolerance(status) {
  if (!status.can_pay) return `${status.validators_needed} of ${status.validators} nodes must be up`;
  if (status.spare === 0) return status.tolerates === 0 ? "this network stands no failure: all must stay up" : "no further node may fail now";
  return `${many(status.spare, "more node may", "more nodes may")} fail`;
}

function hero(status) {
  const said = {
    ok: ["✓", "Payments become final", "You can pay and be paid now."],
    paused: ["‖", "Payments are paused", "Nothing is lost: what was handed in becomes final when enough nodes are back."],
    catching_up: ["↻", "This node is catching up", "The network may well be further; ask another node for the newest."],
  }[status.status];
  return h("section", { class: status.status === "ok" ? "sheet hero" : "sheet hero warn", id: "hero", "data-status": status.status },
    h("span", { class: "sign", "aria-hidden": "true" }, said[0]), h("h1", {}, said[1]),
    h("p", { role: "status" }, `${said[2]} ${status.validators_up} of ${status.validators} nodes are up, ${status.validators_needed} are needed; ${tolerance(status)}.`));
}

function facts(status) {
  const last = status.last_final;
  const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, value, note ? h("small", {}, note) : null));
  return h("dl", { class: "facts", id: "facts" },
    fact("Last block", last ? link(`/block/${last.height}`, number(last.height)) : "none yet", last ? ago(last.time_ms, last.time) : null),
    fact("Nodes up", `${status.validators_up} of ${status.validators}`, link("/nodes", "who they are")),
    fact("May still fail", number(status.can_pay ? status.spare : 0), status.can_pay ? "before payments pause" : "payments are paused"),
    fact("Waiting", number(status.waiting), status.waiting ? "to become final" : "nothing waits"));
}

async function overview() {
  const [status, latest, paid] = await Promise.all([get("/v1/status"), get(`/v1/blocks?limit=${SHOWN}`), get(`/v1/transactions?limit=${SHOWN}`)]);
  const blocks = h("ul", { class: "rows", id: "blocks" }, latest.blocks.map(block));
  const payments = h("ul", { class: "rows", id: "payments" }, paid.transactions.map((one) => payment(one)));
  const none = h("p", { class: "soft", hidden: paid.transactions.length > 0 }, "Nobody has paid yet. The first payment appears here by itself.");
  let seen = latest.height;
  return {
    title: "Overview",
    content: [hero(status), facts(status),
      h("div", { class: "two" },
        h("section", { class: "sheet" }, h("h2", {}, "Payments"), none, payments, h("p", { class: "more" }, link("/payments", "More payments"))),
        h("section", { class: "sheet" }, h("h2", {}, "Blocks"), latest.blocks.length ? null : h("p", { class: "soft" }, "The first block is made with the first payment."), blocks, h("p", { class: "more" }, link("/blocks", "All blocks")))),
      verify(null, "Whether the network can pay is what this node hears of the others: its word. The newest block is proven: a quorum of the network's nodes has signed it.", `${WITH} wallet nodes`, "/v1/status")],
    live: {
      status(value) {
        document.getElementById("hero")?.replaceWith(hero(value));
        document.getElementById("facts")?.replaceWith(facts(value));
      },
      block(value) {
        if (value.height > seen) fresh(blocks, block(value), SHOWN);
        seen = Math.max(seen, value.height);
      },
      payment(value) {
        none.hidden = true;
        if (!payments.querySelector(`[data-payment="${value.transaction}"]`)) fresh(payments, payment(value), SHOWN);
      },
    },
  };
}

// A list that is continued by a button; what comes next stands in the answer.
function continued(list, next, more) {
  if (!next) return null;
  const button = h("button", { type: "button" }, "Show more");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const page = await more(next);
      list.append(...page.items);
      next = page.next;
    } catch (problem) {
      button.after(h("p", { role: "alert" }, problem.message));
    }
    button.disabled = false;
    if (!next) button.remove();
  });
  return h("p", { class: "more" }, button);
}

async function blocks() {
  const page = await get("/v1/blocks?limit=30");
  const list = h("ul", { class: "rows" }, page.blocks.map(block));
  let seen = page.height;
  return {
    title: "Blocks",
    content: [h("h1", {}, "Blocks"), h("p", { class: "lead" }, "A block is final once a quorum of nodes has signed it. While nobody pays, one is made now and then as a sign of life."),
      h("section", { class: "sheet" }, list, continued(list, page.next, async (before) => {
        const older = await get(`/v1/blocks?limit=30&before=${before}`);
        return { items: older.blocks.map(block), next: older.next };
      })),
      verify(null, "Each block's page has its certificate; your own program checks it.", `${WITH} explore block`, null)],
    live: {
      block(value) {
        if (value.height > seen) fresh(list, block(value), 2000);
        seen = Math.max(seen, value.height);
      },
    },
  };
}

async function payments() {
  const page = await get("/v1/transactions?limit=100");
  const list = h("ul", { class: "rows" }, page.transactions.map((one) => payment(one)));
  return {
    title: "Payments",
    content: [h("h1", {}, "Payments"), h("p", { class: "lead" }, "The newest payments and names, as this node has seen them become final. An account's page has all of its own."),
      h("section", { class: "sheet" }, page.transactions.length ? null : h("p", { class: "soft" }, "Nobody has paid yet."), list),
      verify(null, "Each payment's page has its proof; your own program checks it.", `${WITH} explore transaction ID`, null)],
    live: { payment: (value) => fresh(list, payment(value), 200) },
  };
}

async function oneBlock([which]) {
  const path = `/v1/blocks/${encodeURIComponent(which)}`;
  const one = await get(path);
  const list = h("ul", { class: "rows" }, one.content.map((each) => payment(each)));
  return {
    title: `Block ${number(one.height)}`,
    content: [h("h1", {}, `Block ${number(one.height)}`),
      h("p", { class: "lead" }, h("span", { class: "tag good" }, "final"), ` signed by ${one.signed_by.length} of ${one.validators} nodes`),
      h("section", { class: "sheet" }, pairs(["Time", ...when(one.time_ms, one.time)], ["Proposed by", one.proposer_node ? link(`/account/${one.proposer}`, one.proposer_node) : person(one.proposer)],
        ["Signed by", one.signed_by.join(", ")], ["Round", one.round === 0 ? "0, at the first attempt" : number(one.round)],
        ["Hash", hash(one.hash)], ["Block before", one.height > 1 ? link(`/block/${one.height - 1}`, hash(one.parent)) : "none: this is the first"],
        ["State", hash(one.state_root)], ["Transactions", hash(one.transactions_root)]),
      h("p", { class: "more" }, one.height > 1 ? [link(`/block/${one.height - 1}`, "← earlier"), " "] : null, " ", one.height < one.tip ? link(`/block/${one.height + 1}`, "later →") : null)),
      h("section", { class: "sheet" }, h("h2", {}, one.transactions ? many(one.transactions, "transaction", "transactions") : "No transactions"),
        one.transactions ? null : h("p", { class: "soft" }, "A sign of life, so that wallets can tell fresh from stale."), list,
        continued(list, one.next, async (from) => {
          const part = await get(`${path}?proof=none&from=${from}`);
          return { items: part.content.map((each) => payment(each)), next: part.next };
        })),
      verify(one.proof, "The certificate holds the signatures of the nodes over this block's hash; the hash covers everything on this page.", `${WITH} explore block ${one.height}`, path)],
  };
}

async function onePayment([id]) {
  const path = `/v1/transactions/${encodeURIComponent(id)}`;
  const one = await get(path);
  const isName = one.kind === "name";
  const title = { payment: "Payment", name: "Name taken" }[one.kind] || "Transaction";
  return {
    title,
    content: [h("h1", {}, title), h("p", { class: "lead" }, h("span", { class: "tag good" }, "final"), " for good: nobody can take it back"),
      h("section", { class: "sheet" }, isName ? h("p", { class: "big" }, `@${one.name}`) : one.amount ? h("p", { class: "big" }, amount(one.amount), " ", h("small", {}, "NAT")) : null,
        pairs([isName ? "Taken by" : "From", person(one.sender, one.sender_name)], one.to ? ["To", person(one.to, one.to_name)] : null,
          ["Memo", one.memo_is_private ? "private: only payer and payee can read it" : one.memo ? `“${one.memo}”` : null],
          ["Fee", nat(one.fee)], ["Time", ...when(one.time_ms, one.time)], ["Where", blockLink(one.height), `, place ${one.index + 1}`],
          ["Number", `${number(one.nonce + 1)} of this sender`], ["Identity", hash(one.transaction)])),
      verify(one.proof, "The Merkle path leads from this transaction to its block's header, and the certificate has the nodes' signatures over that header.", `${WITH} explore transaction ${one.transaction}`, path)],
  };
}

async function account([who]) {
  const path = `/v1/accounts/${encodeURIComponent(who)}`;
  const one = await get(path);
  const own = one.address;
  const page = await get(`/v1/accounts/${own}/activities?proof=none`);
  const title = one.name ? `@${one.name}` : "Account";
  const list = h("ul", { class: "rows" }, page.activities.map((each) => payment(each, own)));
  const balance = h("p", { class: "big", id: "balance" }, amount(one.balance), " ", h("small", {}, "NAT"));
  return {
    title,
    content: [h("h1", {}, title), h("p", { class: "lead mono" }, own),
      h("section", { class: "sheet" }, balance,
        pairs(["Proven at", blockLink(one.height)], ["Transactions", `${number(one.activities)}, ${number(one.nonce)} of them signed by this account`],
          ["Name", one.name ? link(`/name/${one.name}`, `@${one.name}`) : "none"], one.exists ? null : ["Standing", "nobody has paid to this address yet"])),
      h("section", { class: "sheet" }, h("h2", {}, "Activity"), page.activities.length ? null : h("p", { class: "soft" }, "Nothing has happened here yet."), list,
        continued(list, page.next, async (before) => {
          const older = await get(`/v1/accounts/${own}/activities?proof=none&before=${before}`);
          return { items: older.activities.map((each) => payment(each, own)), next: older.next };
        })),
      verify(one.proof, "The Merkle proof leads from this account, or from its absence, to the state root in the signed header. Its list of activities is proven to be complete by a chain of hashes.", `${WITH} explore account ${own}`, path)],
    live: {
      async payment(value) {
        if (value.sender !== own && value.to !== own) return;
        const now = await get(`${path}?proof=none`);
        balance.firstChild.textContent = amount(now.balance);
        if (!list.querySelector(`[data-payment="${value.transaction}"]`)) fresh(list, payment(value, own), 2000);
      },
    },
  };
}

async function names() {
  const page = await get("/v1/names");
  const row = (one) => h("li", {}, h("span", { class: "what" }, link(`/name/${one.name}`, `@${one.name}`)), h("span", { class: "side" }, person(one.address)));
  const list = h("ul", { class: "rows" }, page.names.map(row));
  return {
    title: "Names",
    content: [h("h1", {}, "Names"), h("p", { class: "lead" }, "Whoever takes a free name first has it for good. Payments go to names as to addresses."),
      h("section", { class: "sheet" }, page.names.length ? null : h("p", { class: "soft" }, "Nobody has taken a name yet."), list, continued(list, page.next, async (from) => {
        const more = await get(`/v1/names?from=${encodeURIComponent(from)}`);
        return { items: more.names.map(row), next: more.next };
      })),
      verify(null, "This list is this node's word; each name's page has the proof of whose it is.", `${WITH} explore name NAME`, null)],
  };
}

async function oneName([name]) {
  const path = `/v1/names/${encodeURIComponent(name)}`;
  const one = await get(path);
  return {
    title: `@${one.name}`,
    content: [h("h1", {}, `@${one.name}`),
      h("p", { class: "lead" }, one.is_free ? h("span", { class: "tag" }, "free") : h("span", { class: "tag good" }, "taken, for good")),
      h("section", { class: "sheet" }, one.is_free
        ? [h("p", {}, "Nobody has this name. A wallet takes it so:"), copyable(`${WITH} wallet name ${one.name}`)]
        : pairs(["Belongs to", person(one.address)], ["Balance", nat(one.balance)], ["Proven at", blockLink(one.height)])),
      verify(one.proof, one.is_free ? "The Merkle proof shows that the name stands nowhere in the signed state." : "The Merkle proof leads from the name and its owner to the state root in the signed header.", `${WITH} explore name ${one.name}`, path)],
  };
}

function node(one, counted) {
  const state = one.is_up ? ["tag good", "up"] : ["tag warn", "not heard"];
  const lag = one.lag_blocks ? `, ${many(one.lag_blocks, "block", "blocks")} behind` : "";
  const signed = one.signed === null ? null : [`${one.signed} of the last ${many(counted, "block", "blocks")}`,
    h("progress", { max: Math.max(counted, 1), value: one.signed, "aria-label": `Votes of ${one.name}` })];
  return h("li", { class: "sheet", "data-node": one.name },
    h("div", { class: "head" }, h("h2", {}, one.name), h("span", {}, one.is_self ? [h("span", { class: "tag" }, "this node"), " "] : null, h("span", { class: state[0] }, state[1]))),
    pairs(["Role", one.is_validator ? "votes" : "follows"], signed ? ["Votes", ...signed] : null, one.proposed === null ? null : ["Proposed", number(one.proposed)],
      ["Height", one.height === null ? "unknown" : `${number(one.height)}${lag}`], ["Answers in", one.round_trip_ms === null ? null : `${one.round_trip_ms} ms`],
      ["Route", one.route], ["Version", one.version], ["Trouble", one.problem]));
}

async function nodes() {
  const page = await get("/v1/nodes");
  const list = h("ul", { class: "nodes" }, page.nodes.map((one) => node(one, page.counted_blocks)));
  const lead = (value) => h("p", { class: "lead", id: "tolerance" }, `${value.validators_up} of ${value.validators} voting nodes are up; ${value.validators_needed} are needed, and ${tolerance(value)}.`);
  let asked = 0;
  const again = async (value) => {
    document.getElementById("tolerance")?.replaceWith(lead(value));
    if (Date.now() - asked < 2000) return;
    asked = Date.now();
    const now = await get("/v1/nodes").catch(() => null);
    if (now) list.replaceChildren(...now.nodes.map((one) => node(one, now.counted_blocks)));
  };
  return {
    title: "Nodes",
    content: [h("h1", {}, "Nodes"), lead(page), list,
      h("p", { class: "soft" }, "A certificate holds the signatures that came first, and a quorum of them is enough: in a healthy network each node misses some."),
      verify(null, "Who is up and how fast is what this node hears: its word. Your own program dials the nodes itself.", `${WITH} wallet nodes`, "/v1/nodes")],
    live: { status: again },
  };
}

async function supply() {
  const one = await get("/v1/supply");
  return {
    title: "Supply",
    content: [h("h1", {}, "Supply"), h("p", { class: "lead" }, "All the money there is. None is made and none is lost after the beginning."),
      h("section", { class: "sheet" }, h("p", { class: "big" }, amount(one.supply), " ", h("small", {}, "NAT")),
        pairs(["At the beginning", nat(one.genesis_supply), " in ", many(one.first_accounts, "account", "accounts")],
          ["Now", nat(one.supply), " ", one.is_unchanged ? h("span", { class: "tag good" }, "the same") : h("span", { class: "tag warn" }, "not the same")],
          ["Accounts", number(one.accounts)], ["Names", number(one.names)],
          ["As of", one.height ? [blockLink(one.height), `, signed by ${one.signed_by} of ${one.validators} nodes`] : "the genesis"],
          ["Fee of a payment", `${nat(one.fee)}, paid to the node that proposes the block`], ["State", one.state_root ? hash(one.state_root) : null], ["Genesis", hash(one.genesis)])),
      h("section", { class: "sheet" }, h("h2", {}, "Why it cannot change"),
        h("p", {}, "Each node executes each block itself. Before it signs, it adds up what every account gains and loses, and the sum must be zero; if it were not, the node would stop. When it starts, it adds up all balances, and they must be the supply of the genesis."),
        h("p", {}, "So a quorum's signatures under a state root say that the money under it is as much as at the beginning.")),
      verify(null, "The genesis stands in your bootstrap file, and its hash is the network's identity. Your own node, or one of the simulation, executes every block again.", `${WITH} network show`, "/v1/supply")],
  };
}

async function search(_, query) {
  const text = query.get("q") || "";
  const { results } = await get(`/v1/search?q=${encodeURIComponent(text)}`);
  const row = (one) => h("li", {}, h("span", { class: "what" }, link(one.page, { block: () => `Block ${number(one.height)}`, payment: () => "Payment", account: () => "Account", name: () => `@${one.name}` }[one.kind]()),
    one.address || one.transaction ? h("span", { class: "note mono" }, one.address || one.transaction) : null), h("span", { class: "side" }, one.kind));
  return {
    title: "Search",
    content: [h("h1", {}, text ? `Search: ${text}` : "Search"),
      h("section", { class: "sheet" }, results.length ? h("ul", { class: "rows" }, results.map(row)) : [h("p", {}, "Nothing is known here by that."),
        h("p", { class: "soft" }, "Search for a @name, an address that begins with nat1, the number of a block, or the identity of a payment.")]),
      verify(null, "That something is not found is this node's word, but for names: a name's page proves that it is free.", `${WITH} explore name NAME`, null)],
  };
}

export const pages = [
  [/^\/$/, overview],
  [/^\/blocks$/, blocks],
  [/^\/block\/([^/]+)$/, oneBlock],
  [/^\/payments$/, payments],
  [/^\/payment\/([^/]+)$/, onePayment],
  [/^\/account\/([^/]+)$/, account],
  [/^\/names$/, names],
  [/^\/name\/([^/]+)$/, oneName],
  [/^\/nodes$/, nodes],
  [/^\/supply$/, supply],
  [/^\/search$/, search],
  [/^\/docs$/, docs],
];

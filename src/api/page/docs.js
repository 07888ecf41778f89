// The API's own page, made from its description: nothing is loaded from elsewhere.

import { copyable, get, h, link } from "/page/show.js";

function route(path, method, what) {
  const parameters = what.parameters || [];
  const answers = Object.entries(what.responses || {});
  return h("article", { class: "route" },
    h("h3", {}, h("span", { class: "method" }, method.toUpperCase()), " ", h("code", {}, path)),
    h("p", {}, what.summary), what.description ? h("p", { class: "soft" }, what.description) : null,
    parameters.length ? h("dl", { class: "pairs" }, parameters.map((one) => [h("dt", {}, h("code", {}, one.name)), h("dd", {}, one.description)])) : null,
    h("p", { class: "soft" }, answers.map(([status, answer]) => `${status}: ${answer.description}`).join(" · ")),
    method === "get" && !path.includes("{") && path !== "/v1/events" ? h("p", {}, link(path, `Look at ${path}`)) : null);
}

export async function docs() {
  const api = await get("/openapi.json");
  const routes = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, what]) => route(path, method, what)));
  return {
    title: "API",
    content: [h("h1", {}, "API"), h("p", { class: "lead" }, api.info.description),
      h("section", { class: "sheet" }, h("h2", {}, "Try it"), copyable(`curl ${location.origin}/v1/status`), h("p", {}, link("/openapi.json", "The description for programs (OpenAPI)"))),
      h("section", { class: "sheet", id: "verify" }, h("h2", {}, "Check it yourself"),
        h("p", {}, "What proves itself has a ", h("code", {}, "proof"), ": the question and the answer in the bytes of the query protocol, with the certified header and the Merkle path. A program that has the network's bootstrap file needs to believe nobody: ", h("code", {}, "docs/protocol.md"), " says how, and ", h("code", {}, "natcoin explore"), " does it."),
        h("p", {}, "Without ", h("code", {}, "proof=none"), " in the query it is always there. How many nodes are up, what waits, and lists of names and of the newest payments are this node's word.")),
      h("section", { class: "sheet" }, h("h2", {}, "Paths"), routes)],
  };
}

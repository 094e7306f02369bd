// The dialing preview: which digits a telephone system is asked to dial, and how they come about. The
// answer is the API's; nothing is worked out here.

import { get, post } from "../api.js";
import { choice, field, form } from "../form.js";
import { element, notice, paragraph } from "../ui.js";

export const title = "Dialing preview";
export const right = "dialing:preview";

const MOST = 500;

/** The page. */
export async function draw() {
  const [nodes, peers] = await Promise.all([get(`/pbx-nodes?limit=${MOST}`), get(`/peers?limit=${MOST}`)]);
  const heading = element("h1", {}, title);
  if (nodes.items.length === 0) return [heading, withoutNodes()];
  const result = element("div", { class: "result", role: "status" });
  const lead = paragraph("Ask which digits would be dialed, and why. Nobody is called.", { class: "lead" });
  return [
    heading,
    lead,
    element("div", { class: "pair" }, question(nodes.items, peers.items, result), result),
  ];
}

function withoutNodes() {
  const link = element("a", { href: "#/pbx-nodes/new" }, "Make one");
  return element("p", {}, "There is no telephone system to call from yet. ", link, ".");
}

function question(nodes, peers, result) {
  const fields = [
    choice({
      name: "node",
      label: "Call from",
      choices: nodes.map((node) => [node.id, `${node.name} (${node.enterprise})`]),
    }),
    choice({
      name: "peer",
      label: "Whose number it is",
      help: "A contact on a peer is reached through the peer’s dialing prefix.",
      choices: [
        ["", "Nobody’s in particular"],
        ...peers.map((peer) => [peer.id, `${peer.description} (${peer.enterprise})`]),
      ],
    }),
    field({
      name: "to",
      label: "Number",
      help: "As typed, or as the directory has it: `4711`, `+33 1 23 45 67 89`.",
      autocomplete: "off",
      inputmode: "tel",
    }),
  ];
  const ask = async (values) => {
    result.replaceChildren();
    result.replaceChildren(...answer(await post("/dialing/preview", wish(values))));
  };
  return element(
    "section",
    { class: "panel", "aria-label": "Question" },
    form({ fields, button: "Show what is dialed", send: ask }),
  );
}

function wish({ node, peer, to }) {
  if (peer === undefined || to === undefined) return to === undefined ? { node } : { node, to };
  return { node, to: { number: to, peer } };
}

/** What is dialed and how it comes about, as nodes; also of a trial. */
export function answer({ dialed, steps, lints }) {
  const digits = dialed === "" ? "Nothing is dialed." : element("code", {}, dialed);
  return [
    element("h2", {}, "Dialed"),
    element("p", { class: "dialed" }, digits),
    ...lints.map(({ text }) => notice("warning", "Worth a second look", paragraph(text))),
    ...story(steps),
  ];
}

function story(steps) {
  if (steps.length === 0) return [];
  return [element("h3", {}, "How it comes about"), element("ol", { class: "story" }, ...steps.map(step))];
}

function step({ text, before, after, source }) {
  const told = element("li", {}, paragraph(text));
  if (source !== null) told.append(element("p", { class: "help" }, element("code", {}, source)));
  if (before !== after && after !== "") {
    told.append(
      element("p", { class: "change" }, element("code", {}, before), " → ", element("code", {}, after)),
    );
  }
  return told;
}

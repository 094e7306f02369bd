// What an account is doing, whose word that is, how old it is and why; and saying so by hand. Follows it as it changes.

import { asProblem, call, get } from "./api.js";
import { words } from "./describe.js";
import { choice, field, form } from "./form.js";
import { follow } from "./live.js";
import * as session from "./session.js";
import { lasting, when } from "./time.js";
import { element, notice, paragraph, section, state, table } from "./ui.js";

const SIGNS = {
  available: "ok",
  busy: "problem",
  in_call: "problem",
  in_meeting: "problem",
  do_not_disturb: "problem",
  away: "warning",
  be_right_back: "warning",
  out_of_office: "warning",
};

const STATES = ["available", "busy", "in_call", "in_meeting", "do_not_disturb", "away", "be_right_back", "out_of_office", "offline"];

const LASTING = [
  ["", "Until somebody takes it back"],
  ["3600", "For an hour"],
  ["14400", "For four hours"],
  ["86400", "For a day"],
];

/** The section of an account's page. */
export async function presence(context, account) {
  if (!session.may("presence:read")) return [];
  const path = `/accounts/${encodeURIComponent(account.id)}/presence`;
  const place = element("div", { class: "presence" });
  const told = element("p", { class: "unseen", role: "status" });
  const draw = (now) => {
    place.replaceChildren(...shown(now));
    setting.hidden = now.teams;
  };
  const setting = session.may("presence:write") ? byHand(path, draw, told) : element("div", {});
  const look = async () => {
    try {
      draw(await get(path));
    } catch (cause) {
      place.replaceChildren(notice("problem", "Presence cannot be read", paragraph(asProblem(cause).detail)));
    }
  };
  await look();
  context.onLeave(follow(["presence.changed"], (news) => (news === null || news.object === account.id ? look() : null)));
  return [section("Presence", place, told, setting)];
}

function mark(name) {
  return state(SIGNS[name] ?? "unknown", words(name));
}

function shown(now) {
  const rows = [
    ["State", mark(now.state)],
    ["Note", now.note || "–"],
    ["Source", now.source === null ? "Nobody" : words(now.source)],
    ["Since", when(now.since)],
    ["Last said", now.age_seconds === null ? "–" : `${lasting(now.age_seconds)} ago`],
    ["Why", now.reason],
  ];
  const cell = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  const parts = [element("dl", { class: "facts even" }, ...rows.map(cell))];
  if (now.teams) parts.push(notice("note", "Microsoft Teams says what this account does; nothing can be set by hand."));
  if (now.inputs.length > 0) parts.push(inputs(now.inputs));
  return parts;
}

function inputs(all) {
  const ends = ({ expires_in: left }) => (left === null ? "stays" : `in ${lasting(left)}`);
  const row = (one) => [words(one.source), mark(one.state), one.note || "–", when(one.since), `${lasting(one.age_seconds)} ago`, ends(one)];
  return table("What each source says", ["Source", "State", "Note", "Since", "Last said", "Ends"], all.map(row));
}

function byHand(path, draw, told) {
  const fields = [
    choice({ name: "state", label: "State", choices: STATES.map((name) => [name, words(name)]) }),
    field({ name: "note", label: "Note (optional)", autocomplete: "off", maxlength: "256" }),
    choice({ name: "expires_in", label: "How long", choices: LASTING }),
  ];
  const send = async ({ state: name, note, expires_in: lasts }) => {
    const body = { state: name, note: note ?? "", expires_in: lasts === undefined ? null : Number(lasts) };
    const now = (await call("PUT", `${path}/manual`, { body })).body;
    draw(now);
    told.textContent = `Set. Shown is ${words(now.state)}.`;
  };
  const clear = async () => {
    try {
      await call("DELETE", `${path}/manual`);
      draw(await get(path));
      told.textContent = "What was set by hand is taken back.";
    } catch (cause) {
      told.textContent = asProblem(cause).detail;
    }
  };
  const back = element("button", { type: "button", "data-does": "clear-presence", on: { click: clear } }, "Take it back");
  const made = form({ fields, button: "Set the state", send, others: [back] });
  return element("details", {}, element("summary", {}, "Set by hand"), made);
}

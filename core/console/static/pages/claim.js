// The first page of a new appliance: says what it is, and makes the first administrator with the claim code.

import { post } from "../api.js";
import { field, form, password } from "../form.js";
import * as session from "../session.js";
import { element, paragraph, prose } from "../ui.js";

export const title = "Claim this appliance";

/** The page. */
export async function draw(context) {
  return [element("div", { class: "welcome" }, introduction(context.status), panel(context))];
}

const LEAD = "Jackfield is your company’s own box between its telephone systems and the worlds around it.";

const TODAY =
  "This version keeps enterprises, telephone systems, people and peers, and works out which digits reach a " +
  "colleague at a sister site. Links to federated servers, sister sites, CloudLink and Teams come with later versions.";

const STEPS = [
  "Fetch the claim code from the machine that Jackfield runs on. It stands below the address of this page in " +
    "the terminal or the journal. `jackfield claim-code` shows it again.",
  "Choose a name and a password. You become the first administrator; others can be added later.",
  "Claim the appliance. The code works once.",
];

function introduction({ version }) {
  return element(
    "div",
    { class: "introduction" },
    element("h1", {}, "Welcome to Jackfield"),
    paragraph(LEAD, { class: "lead" }),
    paragraph(TODAY),
    element("h2", {}, "What to do now"),
    element("ol", { class: "steps" }, ...STEPS.map((text) => element("li", {}, ...prose(text)))),
    paragraph(`Version ${version}`, { class: "version" }),
  );
}

function panel(context) {
  const fields = [
    field({
      name: "code",
      label: "Claim code",
      help: "Twelve characters. Upper or lower case, spaces and dashes do not matter.",
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: "false",
      class: "code",
    }),
    field({
      name: "name",
      label: "Your name",
      help: "To sign in with: 2 to 64 letters, digits, dots, dashes, underscores or @.",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
    }),
    password({
      name: "password",
      label: "Password",
      help: "12 to 128 characters of any kind. A few words make a good one.",
      autocomplete: "new-password",
    }),
  ];
  const made = form({
    fields,
    button: "Claim this appliance",
    send: (values) => claim(context, values),
    blame,
    advise: advise(context),
  });
  return element(
    "section",
    { class: "panel", "aria-labelledby": "claim-title" },
    element("h2", { id: "claim-title" }, title),
    made,
  );
}

async function claim(context, values) {
  await post("/claim", values);
  context.claimed();
  await enter(context, values);
}

/** Should signing in fail now, the claim is done all the same: the sign-in page says so. */
async function enter(context, { name, password: secret }) {
  try {
    await session.signIn(name, secret);
    context.go("#/overview", {
      state: "ok",
      text: "The appliance is yours. You are its first administrator.",
    });
  } catch (problem) {
    const text = `The appliance is yours, but signing in did not work: ${problem.message} Sign in below.`;
    context.go("#/sign-in", { state: "warning", text });
  }
}

function blame(problem) {
  return problem.is("claim/wrong_code") ? ["code", problem.detail] : null;
}

function advise(context) {
  const toSignIn = () => {
    context.claimed();
    context.go("#/sign-in");
  };
  return (problem) => {
    if (problem.is("claim/done")) {
      return [element("button", { type: "button", on: { click: toSignIn } }, "Go to sign in")];
    }
    if (problem.status === 429) {
      return [paragraph("Meanwhile, `jackfield claim-code` on the machine shows the right code.")];
    }
    return [];
  };
}

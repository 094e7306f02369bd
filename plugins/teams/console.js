// Microsoft Teams in the console (seed 003): how presence does, the tenant's set-up, what must be so first, every secret
// with its end, consent, and who each account is in the tenant.

const DIRECTIONS = [["off", "Off"], ["uni_directional", "Telephone states to Teams"], ["bi_directional", "Both ways"]];
const CLOUDS = [["global", "Worldwide, also GCC"], ["gcc_high", "US Government, GCC High"], ["dod", "US Government, DoD"], ["china", "China (21Vianet)"]];
const PATHS = [["new_app", "A new application"], ["existing_app", "The application of uni-directional presence"]];
const CREDENTIALS = [["secret", "Client secret"], ["certificate", "Certificate"]];
const TIERS = [["none", "None"], ["standard", "Standard"], ["advantage", "Advantage"], ["premium", "Premium"]];
const SIGNS = { ok: ["ok", "OK"], not_ok: ["problem", "Not OK"], unknown: ["unknown", "Unknown"], warning: ["warning", "Ends soon"], expired: ["problem", "Expired"], not_set: ["unknown", "Not set"] };
const PRECONDITIONS = { contract: "SWA contract", csta_ports: "CSTA ports", time: "Time", ntp: "Time" };
const TOKENS = { client_secret: "Client secret", certificate: "Certificate" };

export async function draw(context) {
  const [what, id] = context.at;
  return what === "users" && id !== undefined ? oneUser(context, id) : overview(context);
}

async function overview(context) {
  const { api, ui, plugin, message, may } = context;
  const [setup, { items: needs }, { items: tokens }, users] = await Promise.all([
    api.call("GET", "/teams"),
    api.get("/teams/preconditions"),
    api.get("/teams/tokens"),
    api.get("/teams/users?limit=50"),
  ]);
  const list = setup.body.steps.map((step) => ui.element("li", {}, step));
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, plugin.title),
    ui.paragraph("Presence with Microsoft Teams.", { class: "lead" }),
    condition(ui, setup.body),
    ui.section("Preconditions", preconditions(ui, needs)),
    ui.section("Set-up", ui.element("ol", { class: "steps" }, ...list), may("teams:write") ? setting(context, setup) : reading(ui, setup.body)),
    ui.section("Tokens", credentials(ui, tokens)),
    ui.section("Consent", ...(await consent(api, ui))),
    ui.section("Users", ...(await people(context, users))),
  ];
}

function condition(ui, { state, reason }) {
  const known = { connected: ["ok", "Connected"], off: ["unknown", "Off"], not_allowed: ["problem", "Not allowed"] };
  const [sign, title] = known[state] ?? ["warning", "Not connected"];
  return ui.notice(sign, title, ui.paragraph(ui.sentence(reason)));
}

function sign(ui, state) {
  return ui.state(...(SIGNS[state] ?? ["unknown", state]));
}

function words(name) {
  const text = name.replaceAll("_", " ");
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

function preconditions(ui, items) {
  const row = ({ name, state, detail, what_to_do: todo }) => [PRECONDITIONS[name] ?? words(name), sign(ui, state), ui.sentence(detail), todo];
  return ui.table("Table of preconditions", ["What", "State", "Why", "What to do"], items.map(row));
}

function credentials(ui, items) {
  if (items.length === 0) return ui.paragraph("There is none.");
  const row = (token) => [
    `${TOKENS[token.name] ?? words(token.name)}${token.is_used ? "" : " (not used)"}`,
    sign(ui, token.state),
    token.expires === null ? "Not known" : `${token.expires} (${token.days_left} days left)`,
    ui.sentence(token.consequence),
    token.what_to_do,
  ];
  return ui.table("Table of tokens", ["Token", "State", "Ends on", "Consequence", "What to do"], items.map(row));
}

/** The address is made of the set-up; where that lacks something, the API says what. */
async function consent(api, ui) {
  try {
    const { url, permissions, reason } = await api.get("/teams/consent");
    const rows = permissions.map(({ name, kind, needed_for: what }) => [name, kind, ui.sentence(what)]);
    const link = ui.element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Grant them as an administrator of the tenant");
    return [ui.table("Table of permissions", ["Permission", "Kind", "Needed for"], rows), ui.element("p", {}, link), ui.paragraph(ui.sentence(reason))];
  } catch (cause) {
    if (cause.status !== 409) throw cause;
    return [ui.paragraph(ui.sentence(cause.detail))];
  }
}

function name(pairs, value) {
  return pairs.find(([word]) => word === value)?.[1] ?? value;
}

function reading(ui, now) {
  return ui.facts([
    ["Direction", name(DIRECTIONS, now.direction)],
    ["Name", now.name || "Not given"],
    ["Tenant", now.tenant_id || "Not given"],
    ["Client id", now.client_id || "Not given"],
    ["Cloud", name(CLOUDS, now.cloud)],
    ["Contract", `${name(TIERS, now.contract.tier)}${now.contract.active_until === null ? "" : ` until ${now.contract.active_until}`}`],
  ]);
}

function setting({ api, form, again }, { body: now, etag }) {
  const text = (field, label, help = "") => form.field({ name: field, label, help, value: now[field], autocomplete: "off" });
  const groups = [
    form.group(
      "Tenant",
      "",
      text("name", "Name", "For people; up to 64 characters."),
      text("tenant_id", "Tenant", "Its GUID, or one of its domains such as `contoso.onmicrosoft.com`."),
      text("client_id", "Application (client) id", "A GUID."),
      form.chosen({ name: "cloud", label: "Cloud", value: now.cloud, choices: CLOUDS }),
      form.chosen({ name: "path", label: "Application", value: now.path, choices: PATHS }),
      text("redirect_uri", "Redirect address", "Registered with the application; needed for both ways."),
    ),
    form.group(
      "Credential",
      "",
      form.chosen({ name: "credential", label: "The application signs in with", value: now.credential, choices: CREDENTIALS }),
      form.secret({ name: "client_secret", label: "Client secret", since: now.secrets.client_secret.since }),
      form.date({ name: "client_secret_expires", label: "The client secret’s last day", value: now.client_secret_expires }),
      form.secret({ name: "certificate", label: "Certificate with its private key", help: "PEM, or base64 of PKCS #12.", since: now.secrets.certificate.since, long: true }),
      form.date({ name: "certificate_expires", label: "The certificate’s last day", help: "Read from the certificate where it is PEM.", value: now.certificate_expires }),
    ),
    form.group(
      "What presence needs",
      "An administrator confirms these; they cannot be seen from here.",
      form.chosen({ name: "contract/tier", label: "SWA contract", value: now.contract.tier, choices: TIERS }),
      form.date({ name: "contract/active_until", label: "The contract’s last day", value: now.contract.active_until }),
      form.flag({ name: "administrators/microsoft_365_global", label: "A global administrator of Microsoft 365 takes part", checked: now.administrators.microsoft_365_global }),
      form.flag({ name: "administrators/cloudlink_account", label: "A customer or partner administrator of the CloudLink account takes part", checked: now.administrators.cloudlink_account }),
      form.chosen({ name: "direction", label: "Direction of presence", value: now.direction, choices: DIRECTIONS }),
    ),
  ];
  const send = async (body) => {
    await api.call("PUT", "/teams", { body, etag });
    again({ state: "ok", text: "Saved." });
  };
  return form.form({ fields: groups.flatMap(({ fields }) => fields), body: groups.map(({ node }) => node), button: "Save", send });
}

/* Users */

function people({ ui, link }, first) {
  return ui.listing({
    label: "Table of users",
    path: "/teams/users?limit=50",
    first,
    headings: ["Account", "Name", "E-mail", "Microsoft Teams status", "State"],
    empty: "There is no account yet.",
    cells: (user) => [
      ui.element("a", { href: link("users", user.account) }, user.login_id || user.account),
      `${user.first_name} ${user.last_name}`.trim(),
      user.email,
      user.enabled ? (user.teams_status ? "On" : "On by profile") : "Off",
      user.enabled ? ui.state("unknown", "Not read yet") : ui.state("unknown", "Off"),
    ],
  });
}

async function oneUser(context, id) {
  const { api, ui, form, message, may, again, link } = context;
  const path = `/teams/users/${encodeURIComponent(id)}`;
  const { body: user, etag } = await api.call("GET", path);
  const tries = user.match_order.map(({ by, value }) => [words(by), value]);
  const send = async (body) => {
    await api.call("PUT", path, { body, etag });
    again({ state: "ok", text: "Saved." });
  };
  const fields = [
    form.field({ name: "upn", label: "User principal name in Teams", help: "Left empty: the account’s own.", value: user.upn, autocomplete: "off" }),
    form.field({ name: "object_id", label: "Object id in the tenant", help: "A GUID; it decides alone. Left empty: it is looked for.", value: user.object_id, autocomplete: "off" }),
  ];
  return [
    ...ui.greeting(message),
    ui.element("h1", {}, `${user.first_name} ${user.last_name}`.trim() || user.login_id),
    ui.element("p", {}, ui.element("a", { href: link() }, "Back to Microsoft Teams")),
    ui.facts([
      ["State", ui.sentence(user.reason)],
      ["Login ID", user.login_id],
      ["Microsoft Teams status of the account", user.teams_status ? "On" : "Off"],
      ["The same of its profile", user.profile_teams_status ? "On" : "Off"],
    ]),
    ui.section("Looked for in this order", tries.length === 0 ? ui.paragraph("Nothing is known to look for.") : ui.table("Table of what is looked for", ["By", "Value"], tries)),
    ui.section("Who it is in Teams", may("teams:users") ? form.form({ fields, button: "Save", send }) : ui.facts([["User principal name", user.upn || "The account’s own"], ["Object id", user.object_id || "Looked for"]])),
  ];
}

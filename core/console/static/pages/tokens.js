// API tokens: keys for programs. What a token is is shown once, on the page that follows its making.

import { field } from "../form.js";
import { resource } from "../resource.js";
import { paragraph, section } from "../ui.js";

/** The one that was just made, until its page is left. */
let fresh = null;

export const { title, right, draw } = resource({
  name: "tokens",
  shape: "Token",
  one: "token",
  title: "API tokens",
  lead: "Keys for programs that use the API. Each has a role, and may be narrowed to some of its rights.",
  columns: ["name", "role", "scopes", "expires_at", "created_at"],
  headings: { scopes: "Rights", expires_at: "Ends", created_at: "Made" },
  changeable: false,
  undoable: false,
  warning: "Programs that use it are refused at once. It cannot be put back; another one can be made.",
  made: ({ id, token }) => {
    fresh = { id, token };
  },
  sections: (context, { id }) => (fresh?.id === id ? [shownOnce(context, fresh.token)] : []),
});

function shownOnce(context, token) {
  context.onLeave(() => {
    fresh = null;
  });
  const focus = ({ target }) => target.select();
  const told = { name: "token", label: "Token", value: token, readonly: true, autocomplete: "off", spellcheck: "false" };
  return section("Copy it now", paragraph("It is never shown again."), field({ ...told, on: { focus } }).node);
}

// Administrators: who may sign in here, and as what.

import { resource } from "../resource.js";

export const { title, right, draw } = resource({
  name: "admins",
  shape: "Admin",
  one: "administrator",
  title: "Administrators",
  lead: "People who may sign in here. A viewer looks, an operator runs the day, an admin also says who may do what. Whose role or password is changed signs in again.",
  columns: ["name", "role", "created_at", "changed_at"],
  headings: { created_at: "Made", changed_at: "Last changed" },
  undoable: false,
  warning: "They are signed out at once and cannot be put back; another one can be made.",
});

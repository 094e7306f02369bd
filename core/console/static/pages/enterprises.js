// Enterprises: companies or sites whose nodes, accounts and peers belong together (seed 001).

import { choose } from "../enterprises.js";
import { resource } from "../resource.js";

export const { title, right, draw } = resource({
  name: "enterprises",
  shape: "Enterprise",
  one: "enterprise",
  title: "Enterprises",
  lead: "A company or site whose PBX nodes, accounts and peers belong together.",
  columns: ["id", "description", "domain"],
  headings: { id: "Enterprise ID" },
  typed: true,
  warning: "An enterprise can only be deleted once nothing belongs to it any more.",
  // The pages that follow show what was just made.
  made: ({ id }) => choose(id),
});

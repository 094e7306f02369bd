// User profiles: what the clients of a group of users show and do.

import { resource } from "../resource.js";

export const { title, right, draw } = resource({
  name: "profiles",
  shape: "Profile",
  one: "profile",
  title: "Profiles",
  lead: "What the clients of a group of users show and do, and whether their status comes from Microsoft Teams.",
  columns: ["name", "description", "teams_status", "built_in"],
  headings: { teams_status: "Microsoft Teams status" },
});

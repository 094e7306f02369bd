// Schedules: jobs that are due every so many days.

import { resource } from "../resource.js";

export const { title, right, draw } = resource({
  name: "schedules",
  shape: "Schedule",
  one: "schedule",
  title: "Schedules",
  lead: "Jobs that are due every so many days, at the site's time.",
  columns: ["name", "plugin", "job", "enabled", "every_days", "next_on"],
});

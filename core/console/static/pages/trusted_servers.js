// Trusted servers: other servers that an enterprise trusts. A peer's row is made by the peer and shares its address
// (seed 002).

import { resource } from "../resource.js";

export const { title, right, draw } = resource({
  name: "trusted-servers",
  shape: "TrustedServer",
  one: "trusted server",
  title: "Trusted servers",
  lead: "Other servers that an enterprise trusts with presence, messages, or all that a peer exchanges.",
  columns: ["description", "address", "type", "peer"],
  perEnterprise: true,
});

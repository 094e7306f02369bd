// PBX nodes: the telephone systems of an enterprise, with how numbers are dialed there and their CSTA ports (seed 003).

import { resource } from "../resource.js";

export const { title, right, draw } = resource({
  name: "pbx-nodes",
  shape: "PbxNode",
  one: "PBX node",
  title: "PBX nodes",
  lead: "The telephone systems of an enterprise: how numbers are dialed there, and their CSTA ports and clock.",
  columns: ["name", "kind", "address", "outgoing_digit", "csta_ports", "ntp_address"],
  perEnterprise: true,
});

// The page of echo in the console: shows its greeting, and gives back what is sent. The smallest page to imitate.

export async function draw({ api, ui, form, may, plugin }) {
  const { greeting, who } = await api.get("/echo");
  const answer = ui.element("div", { role: "status" });
  const send = async ({ text }) => {
    answer.replaceChildren(ui.notice("ok", "Echo answered", ui.paragraph(await api.post("/echo", text ?? ""))));
  };
  const fields = [form.field({ name: "text", label: "Text", help: "Comes back as it is.", autocomplete: "off" })];
  return [
    ui.element("h1", {}, plugin.title),
    ui.element("p", { class: "lead" }, `${greeting}, ${who}.`),
    ...(may("echo:write") ? [form.form({ fields, button: "Send", send }), answer] : []),
  ];
}

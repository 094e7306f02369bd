// The photo of an account, which users of chat see as well: shown, set from a file, taken away.

import { Problem, asProblem, call, get } from "./api.js";
import { named } from "./describe.js";
import { around, described, form } from "./form.js";
import * as session from "./session.js";
import { element, paragraph, section } from "./ui.js";

/** The section of an account's page. */
export function photo(context, account) {
  const path = `/accounts/${encodeURIComponent(account.id)}`;
  const parts = [account.photo === null ? paragraph("There is no photo.") : shown(path, account)];
  if (session.may("accounts:write")) parts.push(setting(context, path, account));
  return [section("Photo", ...parts)];
}

/** What follows the # makes another photo another address, so that no earlier one is shown in its place. */
function shown(path, account) {
  const src = `/api/v1${path}/photo#${account.photo}`;
  return element("p", {}, element("img", { class: "photo", src, alt: `Photo of ${named(account)}` }));
}

function setting(context, path, account) {
  const etag = `"${account.revision}"`;
  const help = "A JPEG or PNG. Whoever sees the user in chat sees it.";
  const input = element("input", { type: "file", accept: "image/jpeg,image/png", ...described("photo", help) });
  const change = async (method, text, file) => {
    await call(method, `${path}/photo`, { etag, file });
    context.go(`#${path}`, { state: "ok", text, undo: (await get(path)).revision });
  };
  const send = () => {
    const [content] = input.files;
    if (content === undefined) throw new Problem({ title: "There is no file", status: 422, detail: "Choose the file first." });
    return change("PUT", `${named(account)} has another photo.`, { type: content.type || "application/octet-stream", content });
  };
  const remove = async () => {
    try {
      await change("DELETE", `${named(account)} has no photo any more.`);
    } catch (cause) {
      const { title, detail } = asProblem(cause);
      context.go(`#${path}`, { state: "problem", text: `${title}. ${detail}` });
    }
  };
  const others =
    account.photo === null
      ? []
      : [element("button", { type: "button", "data-does": "remove-photo", on: { click: remove } }, "Remove the photo")];
  const blame = ({ status, detail }) => ([413, 415, 422].includes(status) ? ["photo", detail] : null);
  return form({ fields: [around("photo", "File", help, input)], button: "Set the photo", send, others, blame });
}

// Asks before something is done that people notice. The focus begins on the way out, stays within the question,
// and goes back to where it was.

import { field } from "./form.js";
import { element, paragraph } from "./ui.js";

/**
 * Asks; resolves to whether the answer is yes. `text` is prose; `button` says what will be done. `typed` is what must
 * be typed first, where a wrong yes costs much.
 */
export function confirm({ title, text, button, typed = null }) {
  return new Promise((resolve) => {
    const close = () => dialog.close("no");
    const proof = typed === null ? null : field({ name: "proof", label: `Type ${typed} to go on`, autocomplete: "off" });
    const act = () => {
      if (proof === null || proof.value() === typed) return dialog.close("yes");
      proof.fail(`This is not ${typed}.`);
      proof.focus();
    };
    const no = element("button", { type: "button", autofocus: true, on: { click: close } }, "Cancel");
    const yes = element("button", { type: "button", class: "primary", on: { click: act } }, button);
    const dialog = element(
      "dialog",
      { "aria-labelledby": "question" },
      element("h2", { id: "question" }, title),
      paragraph(text),
      ...(proof === null ? [] : [proof.node]),
      element("div", { class: "actions" }, yes, no),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

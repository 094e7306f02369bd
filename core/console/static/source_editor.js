// The editor of a script's source: a plain text area with the lines' numbers beside it, and errors shown with the lines
// around them. Tab leaves it, as everywhere.

import { area } from "./form.js";
import { element, icon, paragraph } from "./ui.js";

const LINES_AROUND = 2;

/** The field of the source, with `failAt(text)` for an error that names a line, as site/NAME.lua:LINE. */
export function sourceEditor(value) {
  const help = "Luau. An error names the line. What you type is kept here until you save or leave.";
  const made = area({ name: "source", label: "Source", help, value, rows: "18", wrap: "off", class: "source" });
  const { input } = made;
  const gutter = element("pre", { class: "gutter", "aria-hidden": "true" });
  const excerpt = element("div", { class: "excerpt" });
  const count = () => {
    gutter.textContent = input.value.split("\n").map((_, at) => at + 1).join("\n");
    gutter.scrollTop = input.scrollTop;
  };
  input.addEventListener("input", count);
  input.addEventListener("scroll", () => {
    gutter.scrollTop = input.scrollTop;
  });
  input.before(gutter);
  made.node.append(excerpt);
  count();
  const fail = (text) => {
    made.fail(text);
    excerpt.replaceChildren(...around(text, input));
  };
  const clear = () => {
    made.clear();
    excerpt.replaceChildren();
  };
  const set = (text) => {
    input.value = text;
    clear();
    count();
  };
  return { ...made, fail, clear, set };
}

/** The line that an error names among those around it, and the way there. */
function around(text, input) {
  const line = Number(/\.lua:(\d+)/.exec(text)?.[1] ?? 0);
  const lines = input.value.split("\n");
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - LINES_AROUND);
  const row = (words, at) => {
    const n = first + at;
    const said = `${String(n).padStart(4)}  ${words}\n`;
    return n === line ? element("mark", {}, said) : said;
  };
  const go = () => select(input, lines, line);
  return [
    element("p", { class: "error-line" }, icon("problem"), `Line ${line}:`),
    element("pre", { tabindex: "0", role: "region", "aria-label": `Around line ${line}` }, ...lines.slice(first - 1, line + LINES_AROUND).map(row)),
    element("button", { type: "button", "data-does": "go-to-line", on: { click: go } }, `Go to line ${line}`),
  ];
}

function select(input, lines, line) {
  const begin = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  input.focus();
  input.setSelectionRange(begin, begin + lines[line - 1].length);
  const height = input.scrollHeight / lines.length;
  input.scrollTop = Math.max(0, (line - 5) * height);
}

/** What differs between two texts, line by line; lines that stay are left out but for a few around. */
export function difference(before, after) {
  const changes = compared(before.split("\n"), after.split("\n"));
  if (changes === null) return [paragraph("Too much differs to be shown line by line.")];
  const isNear = (at) => changes.slice(Math.max(0, at - LINES_AROUND), at + LINES_AROUND + 1).some(([sign]) => sign !== " ");
  const shown = changes.filter((_, at) => isNear(at));
  if (shown.length === 0) return [paragraph("The same text.")];
  const names = { "+": "ins", "-": "del" };
  const row = ([sign, text]) => (sign === " " ? `  ${text}\n` : element(names[sign], {}, `${sign} ${text}\n`));
  return [element("pre", { class: "diff", tabindex: "0", role: "region", "aria-label": "Lines that differ" }, ...shown.map(row))];
}

/** Longest common subsequence; bounded, because it looks at every pair of lines. */
function compared(before, after) {
  if (before.length * after.length > 4_000_000) return null;
  const best = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1)
      best[i][j] = before[i] === after[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const out = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) out.push([" ", before[i]]), (i += 1), (j += 1);
    else if (i < before.length && (j === after.length || best[i + 1][j] >= best[i][j + 1])) out.push(["-", before[i]]), (i += 1);
    else out.push(["+", after[j]]), (j += 1);
  }
  return out;
}

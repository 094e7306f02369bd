// Addresses of pages. A page may have views of its own below its address; which one is shown is the page's to say.

/** The address of the page that `hash` belongs to, itself or below it; undefined where there is none. */
export function pageOf(pages, hash) {
  return [...pages.keys()].find((address) => hash === address || hash.startsWith(`${address}/`));
}

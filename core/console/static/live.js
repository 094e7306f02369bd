// News as it happens (server-sent events); the browser's session lets it in. The only file that opens such a stream.
// Without it a page still shows what was when it was drawn.

/**
 * Follows events by name; `act(data)` gets each one's data, and null when some were missed, so that the page reads
 * anew. Returns what ends it.
 */
export function follow(names, act) {
  const stream = new EventSource(`/api/v1/events?events=${names.join(",")}`);
  for (const name of names) stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
  // What happened between the drawing of the page and now, nobody has told.
  stream.addEventListener("open", () => act(null));
  stream.addEventListener("reset", () => act(null));
  // Whoever may not follow any more, or not this, is told by the next request; a stream does not try for ever.
  stream.addEventListener("end", () => stream.close());
  return () => stream.close();
}

/** Does something every few milliseconds until it is ended; never twice at a time. Returns what ends it. */
export function every(milliseconds, act) {
  let timer;
  let over = false;
  const round = async () => {
    const goesOn = await act();
    if (!over && goesOn !== false) timer = setTimeout(round, milliseconds);
  };
  timer = setTimeout(round, milliseconds);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

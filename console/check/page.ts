/** An element of the page, which has it. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element ${id}.`);
  return found;
}

/** Makes an element. Text stays text: whoever made the evidence wrote it. */
export function element(
  tag: string,
  { text, className }: { readonly text?: string; readonly className?: string },
  children: readonly HTMLElement[] = [],
): HTMLElement {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  made.append(...children);
  return made;
}

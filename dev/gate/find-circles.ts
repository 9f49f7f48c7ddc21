/**
 * Circles of files that import each other: a shortest one through each file, unless it touches one
 * that is named already, which is to be broken first.
 * @param arrows from each file to those that it imports
 * @returns each circle from a file back to it
 */
export function findCircles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const circles: string[][] = [];
  const named = new Set<string>();
  for (const start of [...arrows.keys()].sort()) {
    const circle = shortestFrom(arrows, start);
    if (circle !== null && !circle.some((path) => named.has(path))) {
      circles.push(circle);
      for (const path of circle) named.add(path);
    }
  }
  return circles;
}

/** The way from a file back to it, breadth first: it begins and ends with that file. */
function shortestFrom(arrows: ReadonlyMap<string, ReadonlySet<string>>, start: string): string[] | null {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const from of queue) {
    for (const to of arrows.get(from) ?? []) {
      if (to === start) {
        const way = [from];
        for (let at = cameFrom.get(from); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
        return [...way, start];
      }
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, from);
      queue.push(to);
    }
  }
  return null;
}

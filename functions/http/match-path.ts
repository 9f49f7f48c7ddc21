/**
 * Parameters of a path that fits a template like `/v1/datasets/{dataset}/batches`, or null. Raw segments, nothing
 * decoded: what is matched is what was signed, and every parameter's own format excludes escapes.
 */
export function matchPath(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const parameters: Record<string, string> = {};
  for (const [position, part] of wanted.entries()) {
    const value = given[position] as string;
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined ? value !== part : value === '') return null;
    if (name !== undefined) parameters[name] = value;
  }
  return parameters;
}

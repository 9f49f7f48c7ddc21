/**
 * Whether a range of keys ends before it begins, in DynamoDB's order: that of the bytes of UTF-8. JavaScript compares units of
 * UTF-16, by which what lies beyond U+FFFF comes before U+E000. DynamoDB refuses such a range instead of finding nothing in it.
 */
export function endsBeforeItBegins({ from, to }: { readonly from: string; readonly to: string }): boolean {
  return Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0;
}

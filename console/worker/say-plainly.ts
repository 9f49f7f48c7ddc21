import { printable } from '../../client/printable.ts';

/**
 * A sentence that may hold what a server said. The page writes it as text, whatever it is; without tags it also reads as one, and
 * without the marks of a verdict nobody takes it for a verdict of this page.
 * @example sayPlainly('It said <h1>Welcome</h1>.') // 'It said …Welcome….'
 */
export function sayPlainly(text: string): string {
  return printable(text.replace(/<\/?[a-z!][^>]*>?|[✓✔✗✘]/gi, '…'));
}

import { ArgumentError } from '../../core/errors.ts';
import type { CalledContract } from './explain-refusal.ts';

/** Function and arguments, 0x-hex. @throws ArgumentError when a value does not fit its place */
export function encodeCall({ name, abi }: CalledContract, method: string, values: readonly unknown[]): string {
  try {
    return abi.encodeFunctionData(method, values);
  } catch (cause) {
    const why = (cause as { shortMessage?: string }).shortMessage ?? String(cause);
    throw new ArgumentError(`Invalid arguments for ${name}.${method}: ${why}.`, { cause });
  }
}

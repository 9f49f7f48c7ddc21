/** A number as JSON-RPC of Ethereum has it: hexadecimal, without leading zeros. */
export function toQuantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

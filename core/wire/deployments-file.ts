import * as z from 'zod';

const address = z.string().regex(/^0x[0-9a-f]{40}$/);
/** The chain block that has the contract's creation: no event of it is in an earlier one. */
const block = z.int().min(0);

/** `deployments/<chainId>.json` (specification#files): where the contracts are on a chain, and what they were made with. */
export const deploymentsFile = z.strictObject({
  chainId: z.int().min(1),
  contracts: z.strictObject({
    DISSC: z.strictObject({ address, block, args: z.strictObject({}) }),
    OCASC: z.strictObject({
      address,
      block,
      args: z.strictObject({
        dissc: address,
        minWindowSeconds: z.int().min(1),
        answerGas: z.int().min(0),
        demandGas: z.int().min(0),
      }),
    }),
    ASC: z.strictObject({ address, block, args: z.strictObject({ dissc: address }) }),
  }),
});
export type DeploymentsFile = z.infer<typeof deploymentsFile>;

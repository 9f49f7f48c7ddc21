import type { AddCommand, Part } from '../add-called.ts';

const grants: AddCommand = async (owner) => (await import('./owner-grants.ts')).addOwnerGrants(owner);

/** `plumb owner …`. */
export const ownerPart: Part = {
  description: "a data owner's keys, checks and sales",
  commands: {
    init: async (owner) => (await import('./owner-init.ts')).addOwnerInit(owner),
    restore: async (owner) => (await import('./owner-restore.ts')).addOwnerRestore(owner),
    verify: async (owner) => (await import('./owner-verify.ts')).addOwnerVerify(owner),
    get: async (owner) => (await import('./owner-get.ts')).addOwnerGet(owner),
    prove: async (owner) => (await import('./owner-prove.ts')).addOwnerProve(owner),
    contradictions: async (owner) => (await import('./owner-contradictions.ts')).addOwnerContradictions(owner),
    auditor: async (owner) => (await import('./owner-auditor.ts')).addOwnerAuditor(owner),
    publish: async (owner) => (await import('./owner-publish.ts')).addOwnerPublish(owner),
    link: async (owner) => (await import('./owner-link.ts')).addOwnerLink(owner),
    agent: async (owner) => (await import('./owner-agent.ts')).addOwnerAgent(owner),
    offer: async (owner) => (await import('./owner-offer.ts')).addOwnerOffer(owner),
    describe: async (owner) => (await import('./owner-describe.ts')).addOwnerDescribe(owner),
    requests: async (owner) => (await import('./owner-requests.ts')).addOwnerRequests(owner),
    offers: async (owner) => (await import('./owner-offers.ts')).addOwnerOffers(owner),
    receipt: async (owner) => (await import('./owner-receipt.ts')).addOwnerReceipt(owner),
    cancel: async (owner) => (await import('./owner-cancel.ts')).addOwnerCancel(owner),
    close: async (owner) => (await import('./owner-close.ts')).addOwnerClose(owner),
    withdraw: async (owner) =>
      (await import('../withdraw-credit.ts')).addWithdraw(owner, 'owner', 'prices, bonds and stakes'),
    serve: async (owner) => (await import('./owner-serve.ts')).addOwnerServe(owner),
    authorise: async (owner) => (await import('./owner-authorise.ts')).addOwnerAuthorise(owner),
    grants,
    fund: grants,
    revoke: grants,
    reclaim: grants,
  },
};

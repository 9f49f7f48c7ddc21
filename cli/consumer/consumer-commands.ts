import type { AddCommand, Part } from '../add-called.ts';

const settlements: AddCommand = async (consumer) =>
  (await import('./consumer-settle.ts')).addConsumerSettlements(consumer);

/** `plumb consumer …`. */
export const consumerPart: Part = {
  description: 'what a consumer buys, checks and pays for',
  commands: {
    init: async (consumer) => (await import('./consumer-init.ts')).addConsumerInit(consumer),
    offers: async (consumer) => (await import('./consumer-offers.ts')).addConsumerOffers(consumer),
    request: async (consumer) => (await import('./consumer-request.ts')).addConsumerRequest(consumer),
    purchases: async (consumer) => (await import('./consumer-purchases.ts')).addConsumerPurchases(consumer),
    receipt: async (consumer) => (await import('./consumer-receipt.ts')).addConsumerReceipt(consumer),
    accept: async (consumer) => (await import('./consumer-accept.ts')).addConsumerAccept(consumer),
    status: async (consumer) => (await import('./consumer-status.ts')).addConsumerStatus(consumer),
    audit: async (consumer) => (await import('./consumer-audit.ts')).addConsumerAudit(consumer),
    fetch: async (consumer) => (await import('./consumer-fetch.ts')).addConsumerFetch(consumer),
    challenge: async (consumer) => (await import('./consumer-challenge.ts')).addConsumerChallenge(consumer),
    demand: async (consumer) => (await import('./consumer-demand.ts')).addConsumerDemand(consumer),
    approve: settlements,
    quit: settlements,
    lapse: settlements,
    breach: settlements,
    close: settlements,
    withdraw: async (consumer) =>
      (await import('../withdraw-credit.ts')).addWithdraw(consumer, 'consumer', 'unspent escrow, bonds and stakes'),
  },
};

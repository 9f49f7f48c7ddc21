/** The requests that each trip to a node carries, one trip after the other: a batch of JSON-RPC is one trip of several requests. */
export type RpcTrips = readonly number[];

/** As adapters/ethereum has them (HEADS_PER_CALL, FEW and DEVICES_PER_CALL, MAX_BATCH_REQUESTS, MAX_RANGE_BLOCKS). */
const HEADS_PER_CALL = 2_500;
const FEW_DEVICES = 16;
const DEVICES_PER_CALL = 1_500;
const REQUESTS_PER_TRIP = 50;
const BLOCKS_PER_QUERY = 10_000;

/** The block that is asked about comes first, and what is asked of it then. */
const BLOCK = 1;

/**
 * What each call of the chain's ports costs its node: the requests that the adapters make for it in their usual course, on a
 * chain that has final blocks. A test holds them against the adapters.
 */
export const RPC_TRIPS = {
  readHeads: (datasets: number): RpcTrips => [BLOCK, ...inTrips(Math.ceil(datasets / HEADS_PER_CALL))],
  readDevices: (datasets: number): RpcTrips => [
    BLOCK,
    ...inTrips(datasets <= FEW_DEVICES ? datasets : Math.ceil(datasets / DEVICES_PER_CALL)),
  ],
  findEvents: (fromBlock: number, toBlock: number): RpcTrips =>
    Array.from({ length: Math.ceil(Math.max(0, toBlock - fromBlock + 1) / BLOCKS_PER_QUERY) }, () => 1),
  simulate: (): RpcTrips => [2],
  prepare: (): RpcTrips => [BLOCK, 1],
  broadcast: (): RpcTrips => [1],
  nonces: (): RpcTrips => [BLOCK, 2],
  receipt: (): RpcTrips => [BLOCK, 1],
  balance: (): RpcTrips => [1],
  readRound: (): RpcTrips => [BLOCK, 1],
  /** Either of what is final, without its block. */
  readFinal: (): RpcTrips => [1],
  /** Behind the events themselves: the times of so many blocks that have one and are not known yet. */
  blockTimes: (blocks: number): RpcTrips => inTrips(blocks),
  findBlock: (): RpcTrips => [1],
  simulateRound: (): RpcTrips => [BLOCK, 1, 1],
} as const;

function inTrips(requests: number): RpcTrips {
  const trips: number[] = [];
  for (let left = requests; left > 0; left -= REQUESTS_PER_TRIP) trips.push(Math.min(left, REQUESTS_PER_TRIP));
  return trips;
}

import type { RouteName } from '../table.ts';

/** Words of the document that no schema carries. What is enforced stands in the schemas, not here. */
export const SERVICE_TEXT = `Plumbline's storage service stores segments for devices, has them recorded on a chain, and answers challenges about
what it stores. Do not trust its answers: verify them against the contract DISSC. Plumbline's specification has the
formats, keys and protocols.

Requests about a dataset or an agreement are signed with an Ethereum account (see the security scheme \`signature\`). Errors
are problem documents (RFC 9457) with a stable \`type\`; a 4xx says what to do, a 503 says to try again. Answers in
\`application/vnd.ipld.dag-cbor\` are lists without field names; each response describes its layout, in which \`index\`, \`size\`
and the like are unsigned integers, hashes are byte strings of 32 bytes, and a path is one byte string of concatenated hashes.
A gateway in front of the service may limit the rate with status 429 and an answer of its own.`;

export interface OperationWords {
  readonly summary: string;
  readonly description: string;
  /** Layout of an answer that is no JSON (core/wire/answers.ts, core/wire/messages.ts). */
  readonly answer?: string;
  readonly headers?: object;
  /** Statuses it refuses with beyond those that every function has; a test walks the source for what is missing here. */
  readonly problems?: readonly number[];
}

const FAULT = '`[index, "unavailable" | "refused" | "unrecorded", reason]`';
const ANSWERS =
  'dag-cbor `[answers, remaining]`: an answer or a fault for each block, and the blocks to ask for again. ';

/** The words of every function: what it does, what it answers, what it may refuse. */
export const OPERATIONS: Readonly<Record<RouteName, OperationWords>> = {
  'upload-segment': {
    summary: 'Ask where to put a segment',
    description:
      'Returns a presigned PUT for one sealed batch, bound to its SHA-256 and size and valid for a single creation, and the ' +
      "chain's heads of the dataset. `put` is null if this very segment is stored already. A rejected segment is a 409.",
    problems: [409],
  },
  'list-batches': {
    summary: 'List stored batches and their state',
    description:
      'Batches with blocks, or capture times, in a range, both ends included: received, rejected, superseded, anchored, recorded, final. ' +
      "To continue, set `cursor` to the answer's `next` with the same range, until `next` is null.",
  },
  'hash-blocks': {
    summary: 'Hash blocks as they are stored now',
    description:
      'Protocols I and III: openings of up to 512 blocks with SHA-256 computed from the stored bytes for this request. Blocks ' +
      'that did not fit into one answer are listed in it; ask for them again. With `agreement`, blocks that it does not sell, ' +
      'or that no grant covers, are refused in the answer and do not count.',
    answer: `${ANSWERS}An answer is \`[index, size, sha256, chunkRoot, metaHash]\`, a fault ${FAULT}.`,
    problems: [410],
  },
  'prove-chunks': {
    summary: 'Prove possession of random chunks',
    description:
      'For each challenge, chunk `random` modulo the number of chunks of the block, with its path in the chunk tree, read from ' +
      'the stored bytes for this request. With `agreement`, every distinct block counts as a sample unless it is paid for; a ' +
      'repeat is free, and the blocks beyond that are refused in the answer, which says what would pay for them.',
    answer: `${ANSWERS}An answer is \`[index, size, sha256, metaHash, chunk, path]\`, a fault ${FAULT}.`,
    problems: [410],
  },
  'get-block': {
    summary: 'Fetch one block',
    description:
      'Protocols II and IV: the stored bytes of one block, as they are now. With `agreement`, a block that is not paid for ' +
      'counts as a sample, or is a 403 `/problems/not-paid` that says what would pay for it.',
    answer: 'The stored bytes.',
    headers: {
      'Plumbline-Meta': {
        description: "The block's meta as the stored manifest lists it: dag-cbor in base64.",
        schema: { type: 'string', contentEncoding: 'base64' },
      },
    },
    problems: [410],
  },
  'get-segment': {
    summary: 'Ask where to fetch a segment',
    description:
      'Returns a presigned GET, valid for 15 seconds, for the segment of the batch that begins with `first`. ' +
      'With `agreement`, its consumer gets it once every block of it is paid for.',
    problems: [410],
  },
  'publish-segment': {
    summary: 'Publish a segment in IPFS',
    description: "Imports and pins the batch that begins with `first` in the service's IPFS node and names its CIDs.",
  },
  'get-records': {
    summary: 'Fetch public records with their proof',
    description:
      'The records of up to 512 blocks, wherever they are, and one multiproof of all of them in the log of `size` blocks. They ' +
      'are public and prove themselves. Anything else about a batch is only a hint: check salt and nonce against the ' +
      'commitments in the records. Blocks beyond the log, or of a `size` that the stored log does not reach, are faults.',
    answer:
      'dag-cbor `[batches, proof, faults]`: a batch is `[first, count, serial, salt, nonce or null, largestBlockBytes, [[index, ' +
      `record] …]]\`, a record has 96 bytes, the proof's hashes go from left to right, a fault is ${FAULT}.`,
  },
  'get-anchor': {
    summary: "Fetch a dataset's charter, head and growth",
    description:
      'The newest charter that this service has, the newest head that a device has signed, and, with `since`, the growth from the ' +
      'log of so many blocks to that head: peaks of the shorter log and the subtrees that were appended. It is public and proves ' +
      'itself. A round that the service no longer keeps is a 410.',
    problems: [410],
  },
  'put-charter': {
    summary: 'Submit a charter',
    description:
      "Keeps the first charter submitted for a dataset, and those that DISSC has. Anyone may submit one: the owner's signature " +
      'is in it. It is null if the account is a contract, whose charters are only on the chain. A later charter that is not on ' +
      'the chain is a 409.',
    problems: [403, 404, 409],
  },
  'put-description': {
    summary: 'Describe an offer',
    description:
      "Keeps an owner's description of an offer: a text in canonical JSON, of at most 4,096 bytes, and the owner's EIP-712 signature " +
      'over agreement and text (`Description`). Anyone may submit it. The first one stays as long as the offer can matter; another ' +
      'one is a 409.',
    problems: [403, 409],
  },
  'get-descriptions': {
    summary: 'Read descriptions of offers',
    description:
      'The descriptions of up to 50 agreements, if they have any. They are public; the signature shows who wrote each.',
  },
  'put-request': {
    summary: 'Post a request for data',
    description:
      'Puts a signed request onto the public board until it expires, two weeks at most. Each account may have two, and the board has a fixed size. ' +
      'A request that names an agreement accepted by its account takes one of the places reserved for buyers. A full ' +
      'board is a 409.',
    problems: [409],
  },
  'list-requests': {
    summary: 'Read requests for data',
    description:
      "Requests that have not expired. To continue, set `cursor` to the answer's `next`, until `next` is null.",
  },
  'store-voucher': {
    summary: 'Store a voucher',
    description: "Keeps the agreement's highest valid voucher, which decides what the consumer may read.",
    problems: [410],
  },
  'get-voucher': {
    summary: 'Read the highest voucher',
    description: 'The voucher that pays for delivered blocks, which the owner can claim; null before the first.',
  },
  'post-message': {
    summary: 'Leave a message for the other party',
    description:
      "Puts an encrypted, signed message into the agreement's mailbox, once for each `sequence`. Repeating the same message " +
      'changes nothing; another one of that number is a 409.',
    problems: [409, 410],
  },
  'list-messages': {
    summary: 'Read messages of one party',
    description: 'Messages that `from` has sent, from `sequence` on, at most 16 at a time.',
    answer:
      'dag-cbor `[[[from, to, sequence, enc, ciphertext, signature] …], next]`: accounts are byte strings of 20 bytes, `next` is ' +
      'the next sequence to ask for, or null.',
  },
  'get-openapi': {
    summary: 'Describe this service',
    description: 'This document, made from the table of functions and the schemas that parse the requests.',
    answer: 'An OpenAPI 3.1 document.',
  },
};

export const PARAMETER_TEXTS: Readonly<Record<string, string>> = {
  dataset: 'Id of the dataset.',
  agreement: 'Id of the agreement; in a query, the one under which its signer or agent asks for blocks of the dataset.',
  index: 'Number of the block, starting at 0.',
  first: 'Number of the first block of a batch.',
  by: 'Whether `from` and `to` are block numbers or capture times in milliseconds since 1970.',
  from: 'Where to start; for messages, the account that sent them.',
  to: 'Where to end, inclusive.',
  cursor: '`next` of the previous page, with the same range.',
  limit: 'Most lines of the page.',
  sequence: 'The first number to return.',
  since: 'How many blocks of the log the caller already has.',
  round: 'Root of the round that the caller read from the chain (default: the newest final one).',
};

import type { RouteName } from '../table.ts';

/** Words of the document that no schema carries. What is enforced stands in the schemas, not here. */
export const SERVICE_TEXT = `The storage service of Plumbline: it takes segments of devices, has them recorded on a chain, and answers
challenges about what it stores. Nothing that it answers is to be believed: verify it against the contract DISSC.
Formats, keys and protocols are in the specification of Plumbline.

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
      'Answers a presigned PUT for one sealed batch, bound to its SHA-256 and size and good for a single creation, and the ' +
      "chain's heads of the dataset. `put` is null when this very segment is stored already. A rejected segment is a 409.",
    problems: [409],
  },
  'list-batches': {
    summary: 'List stored batches and their state',
    description:
      'Batches with blocks, or capture times, in a range, both ends included: received, rejected, superseded, recorded, final. ' +
      'Go on with `cursor` set to `next` of the answer and the same range, until `next` is null.',
  },
  'hash-blocks': {
    summary: 'Hash blocks as they are stored now',
    description:
      'Protocols I and III: openings of up to 512 blocks with SHA-256 computed from the stored bytes for this request. Blocks ' +
      'that did not fit into one answer are named in it: ask for them again. With `agreement`, blocks that it does not sell, ' +
      'or that no grant covers, are refused in the answer; none of them counts.',
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
      "Answers a presigned GET, good for 15 seconds, for the segment of the log's batch that begins with `first`. " +
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
      'are public and prove themselves. What is said of a batch beside its records is a hint: salt and nonce are checked by the ' +
      'commitments in the records. Blocks beyond the log, or of a `size` that the stored log does not reach, are faults.',
    answer:
      'dag-cbor `[batches, proof, faults]`: a batch is `[first, count, serial, salt, nonce or null, largestBlockBytes, [[index, ' +
      `record] …]]\`, a record has 96 bytes, the proof's hashes go from left to right, a fault is ${FAULT}.`,
  },
  'get-anchor': {
    summary: 'Fetch charter, head and growth of a dataset',
    description:
      'The newest charter that is kept here, the newest head that a device has signed, and, with `since`, the growth from the ' +
      'log of so many blocks to that head: peaks of the shorter log and the subtrees that were appended. It is public and proves ' +
      'itself. A round that is no longer kept is a 410.',
    problems: [410],
  },
  'put-charter': {
    summary: 'Show a charter',
    description:
      "Keeps the first charter that is shown of a dataset, and those that DISSC has. Anybody may show one: the owner's signature " +
      'is in it. It is null where the account is a contract, whose charters are on the chain only. A later charter that is not on ' +
      'the chain is a 409.',
    problems: [403, 404, 409],
  },
  'put-description': {
    summary: 'Describe an offer',
    description:
      "Keeps what an offer's owner says of it: a text in canonical JSON, of at most 4,096 bytes, and the owner's EIP-712 signature " +
      'over agreement and text (`Description`). Anybody may bring it. The first stays for as long as the offer can matter; another ' +
      'one is a 409.',
    problems: [403, 409],
  },
  'get-descriptions': {
    summary: 'Read what owners say of their offers',
    description:
      'The descriptions of up to 50 agreements, as far as there are any. It is public; the signature shows whose word each is.',
  },
  'put-request': {
    summary: 'Say what you would buy',
    description:
      'Puts a signed request onto the public board until it expires, two weeks at most: two an account, and a fixed number in all. ' +
      'A request that names an agreement which its account has accepted takes one of the places that are kept for buyers. A full ' +
      'board is a 409.',
    problems: [409],
  },
  'list-requests': {
    summary: 'Read what others would buy',
    description:
      'Requests that have not expired. Go on with `cursor` set to `next` of the answer, until `next` is null.',
  },
  'store-voucher': {
    summary: 'Hand in a voucher',
    description: 'Keeps the highest valid voucher of the agreement; what the consumer may read follows it.',
    problems: [410],
  },
  'get-voucher': {
    summary: 'Read the highest voucher',
    description:
      'The voucher that blocks are delivered against, for the owner to be paid by it; null before the first.',
  },
  'post-message': {
    summary: 'Leave a message for the other party',
    description:
      "Lays an encrypted, signed message into the agreement's mailbox, once for each `sequence`. The very same message again " +
      'changes nothing; another one of that number is a 409.',
    problems: [409, 410],
  },
  'list-messages': {
    summary: 'Read messages of one party',
    description: 'Messages that `from` has sent, from `sequence` on, at most 16 at a time.',
    answer:
      'dag-cbor `[[[from, to, sequence, enc, ciphertext, signature] …], next]`: accounts are byte strings of 20 bytes, `next` is ' +
      'the sequence to go on with, or null.',
  },
  'get-openapi': {
    summary: 'Describe this service',
    description: 'This document, made from the table of functions and the schemas that requests are parsed by.',
    answer: 'An OpenAPI 3.1 document.',
  },
};

export const PARAMETER_TEXTS: Readonly<Record<string, string>> = {
  dataset: 'Id of the dataset.',
  agreement: 'Id of the agreement; in a query, the one under which its signer or agent asks for blocks of the dataset.',
  index: 'Number of the block, from 0.',
  first: 'Number of the first block of a batch.',
  by: 'Whether `from` and `to` are block numbers or capture times in milliseconds since 1970.',
  from: 'Where to begin; for messages, the account that sent them.',
  to: 'Where to end, included.',
  cursor: '`next` of the page before; of the same range, or it is refused.',
  limit: 'Lines of the page at most.',
  sequence: 'The first number wanted.',
  since: 'Blocks of the log that the caller has already.',
  round: 'Root of the round that the caller has of the chain; the newest final one when it is not given.',
};

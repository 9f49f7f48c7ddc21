/** A block that a node says it has: its CID as the node spells it, and its size. */
export interface NamedBlock {
  readonly cid: string;
  readonly sizeBytes: number;
}

/**
 * One node of a peer-to-peer file system (the paper's P2PFS): IPFS, by whatever implementation. CIDs are text. A node is
 * believed for nothing. Methods throw StoreUnavailableError when it does not answer within their time, and also when it
 * goes on looking for something among its peers until then.
 */
export interface P2pfs {
  /**
   * Imports a CARv1 file of one root and pins that root with all it leads to.
   * @throws AnswerError when the node refuses the file, or cannot pin because a block is missing
   */
  importCar(car: Uint8Array, signal?: AbortSignal): Promise<{ readonly root: string }>;
  /** Roots pinned with all they lead to. */
  pinnedRoots(signal?: AbortSignal): AsyncIterable<string>;
  /** Whether the node itself, without asking a peer, has everything that a root leads to. */
  hasWhole(root: string, signal?: AbortSignal): Promise<boolean>;
  /** What the node itself has under this CID, without asking a peer and without sending it; null when nothing. */
  nameBlock(cid: string, signal?: AbortSignal): Promise<NamedBlock | null>;
  /** The bytes of one block, from the node or its peers; null when the node says that it is nowhere. */
  getBlock(cid: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null>;
  /** The content of a file, however it was cut into blocks and hashed; null as above. */
  readFile(cid: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null>;
}

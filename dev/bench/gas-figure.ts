export interface GasFigure {
  /** Gas of the whole transaction. */
  readonly gas: number;
  /** Blocks it records, when it records any. */
  readonly blocks?: number;
  readonly gasPerBlock?: number;
  /** The most a block may cost (design §12). */
  readonly goalPerBlock?: number;
  /** The most the whole transaction may cost (design §12). */
  readonly goal?: number;
}

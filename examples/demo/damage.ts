import { open, rm, truncate, writeFile } from 'node:fs/promises';

/** What somebody with access to the storage's disk can do to an object, behind the back of every interface. */
export interface Damage {
  flipBit(path: string, offset: number): Promise<void>;
  truncate(path: string, sizeBytes: number): Promise<void>;
  swapBlocks(path: string, offsets: readonly [number, number], sizeBytes: number): Promise<void>;
  replace(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

export const realDamage: Damage = {
  async flipBit(path, offset) {
    const file = await open(path, 'r+');
    try {
      const byte = new Uint8Array(1);
      await file.read(byte, 0, 1, offset);
      await file.write(
        byte.map((value) => value ^ 0x10),
        0,
        1,
        offset,
      );
    } finally {
      await file.close();
    }
  },
  truncate: (path, sizeBytes) => truncate(path, sizeBytes),
  async swapBlocks(path, [first, second], sizeBytes) {
    const file = await open(path, 'r+');
    try {
      const [a, b] = [new Uint8Array(sizeBytes), new Uint8Array(sizeBytes)];
      await file.read(a, 0, sizeBytes, first);
      await file.read(b, 0, sizeBytes, second);
      await file.write(b, 0, sizeBytes, first);
      await file.write(a, 0, sizeBytes, second);
    } finally {
      await file.close();
    }
  },
  replace: (path, bytes) => writeFile(path, bytes),
  remove: (path) => rm(path),
};

/** Damage that does nothing: with it, every expectation of damage must fail. */
export const noDamage: Damage = {
  flipBit: async () => {},
  truncate: async () => {},
  swapBlocks: async () => {},
  replace: async () => {},
  remove: async () => {},
};

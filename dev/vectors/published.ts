/**
 * Vectors published by others, with their source. Each output is printed here as published and computed again when the files
 * are made, so that a typing error in input or output stops the generator.
 */

import {
  aesGcmVectors,
  hkdfVectors,
  hmacVectors,
  keccakVectors,
  sha256Vectors,
} from './published/hashes-and-ciphers.ts';
import { carVectors, cidVectors, dagCborVectors } from './published/ipld.ts';
import { merkleVectors } from './published/merkle.ts';
import { bip32Vectors, bip39Vectors } from './published/wallets.ts';
import type { Json } from './reference/bytes.ts';

export const publishedFiles: Record<string, () => Json> = {
  'sha256.json': sha256Vectors,
  'hmac-sha256.json': hmacVectors,
  'aes-256-gcm.json': aesGcmVectors,
  'hkdf-sha256.json': hkdfVectors,
  'keccak256.json': keccakVectors,
  'merkle.json': merkleVectors,
  'dag-cbor.json': dagCborVectors,
  'cid.json': cidVectors,
  'car.json': carVectors,
  'bip39.json': bip39Vectors,
  'bip32.json': bip32Vectors,
};

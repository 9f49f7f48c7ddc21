/**
 * RFC 9180's vector for mode_base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with its encryptions accumulated as
 * in Go 1.26 (crypto/hpke/testdata/rfc9180.json): SHAKE128, 16 bytes, of 1,000 ciphertexts; aad and plaintext of each in
 * turn are drawn from SHAKE128 of nothing, a length byte and then so many bytes.
 */
export const rfc9180 = {
  info: '0x4f6465206f6e2061204772656369616e2055726e',
  ikmE: '0x2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9',
  ikmR: '0xdac33b0e9db1b59dbbea58d59a14e7b5896e9bdf98fad6891e99d1686492b9ee',
  skRm: '0x497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d',
  pkRm: '0x430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c',
  enc: '0x6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256',
  encryptionsAccumulated: '0x1702e73e1e71705faa8241022af1deea',
} as const;

/** Sealed by Go 1.26 crypto/hpke, which also opens what is sealed here: message 258 of agreement a9…a9 on chain 31337. */
export const sealedByGo = {
  seed: '0x0707070707070707070707070707070707070707070707070707070707070707',
  skRm: '0x896615161d5c4dab6be99bb69b180f22c86eb0ac1b8912e958ed5dd08813573b',
  pkRm: '0x5fd47633b5e43fca7bad1bfbe424feacb175d9d4d4a30f166dbd30636f0b446b',
  info: '0x706c756d626c696e652f320000000000007a690c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0ca9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9',
  aad: '0xd09ad14080d4b257a819a4f579b8485be88f086cbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0000000000000102',
  enc: '0x6ae358e2ce7acd586771a755a53bcbbe1593c9da0cba3cafa3dfaf6cab7bbc06',
  ciphertext: '0xe4d1b3f654e3611111f2272312ed87a12c879d7797c0be4b49aa8e5f915e0c0893ce',
  plaintext: '0x6b657973206f662034363020626c6f636b73',
} as const;

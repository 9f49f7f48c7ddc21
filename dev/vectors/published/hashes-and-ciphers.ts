import { createCipheriv, hkdfSync } from 'node:crypto';
import { same } from '../reference/accounts.ts';
import { concat, hex, hmac, type Json, keccak256, sha256, unhex, utf8 } from '../reference/bytes.ts';

export function sha256Vectors(): Json {
  const cases: [name: string, message: string, times: number, digest: string][] = [
    ['empty', '', 1, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'abc', 1, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      '448 bits',
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      1,
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    [
      '896 bits',
      'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
      1,
      'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1',
    ],
    ['a million a', 'a', 1_000_000, 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ];
  return {
    source: 'NIST, Examples with Intermediate Values for FIPS 180-4 (SHA-256)',
    note: 'message is text, repeated times',
    cases: cases.map(([name, message, times, digest]) => {
      same(`SHA-256 of ${name}`, hex(sha256(utf8(message.repeat(times)))), `0x${digest}`);
      return { name, message, times, digest: `0x${digest}` };
    }),
  };
}

export function hmacVectors(): Json {
  const cases: [name: string, key: string, data: string, mac: string][] = [
    ['case 1', '0b'.repeat(20), text('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      'case 2',
      text('Jefe'),
      text('what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ['case 3', 'aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [
      'case 4',
      '0102030405060708090a0b0c0d0e0f10111213141516171819',
      'cd'.repeat(50),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    ['case 5, cut to 128 bits', '0c'.repeat(20), text('Test With Truncation'), 'a3b6167473100ee06e0c796c2955552b'],
    [
      'case 6',
      'aa'.repeat(131),
      text('Test Using Larger Than Block-Size Key - Hash Key First'),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      'case 7',
      'aa'.repeat(131),
      text(
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      ),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ];
  return {
    source: 'RFC 4231, section 4',
    note: 'case 5 gives the first 16 bytes of the MAC',
    cases: cases.map(([name, key, data, mac]) => {
      const seen = hmac(unhex(`0x${key}`), unhex(`0x${data}`)).slice(0, mac.length / 2);
      same(`HMAC ${name}`, hex(seen), `0x${mac}`);
      return { name, key: `0x${key}`, data: `0x${data}`, mac: `0x${mac}` };
    }),
  };
}

export function aesGcmVectors(): Json {
  const viega = 'McGrew and Viega, The Galois/Counter Mode of Operation (GCM), appendix B';
  const cavp = 'NIST CAVP, gcmEncryptExtIV256.rsp';
  const key = 'feffe9928665731c6d6a8f9467308308'.repeat(2);
  const iv = 'cafebabefacedbaddecaf888';
  const plaintext =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
  const ciphertext =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';
  const cases: [
    source: string,
    name: string,
    key: string,
    iv: string,
    aad: string,
    text: string,
    out: string,
    tag: string,
  ][] = [
    [viega, 'test case 13', '00'.repeat(32), '00'.repeat(12), '', '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
    [
      viega,
      'test case 14',
      '00'.repeat(32),
      '00'.repeat(12),
      '',
      '00'.repeat(16),
      'cea7403d4d606b6e074ec5d3baf39d18',
      'd0d1c8a799996bf0265b98b5d48ab919',
    ],
    [viega, 'test case 15', key, iv, '', plaintext, ciphertext, 'b094dac5d93471bdec1a502270e3cc6c'],
    [
      viega,
      'test case 16',
      key,
      iv,
      'feedfacedeadbeeffeedfacedeadbeefabaddad2',
      plaintext.slice(0, 120),
      ciphertext.slice(0, 120),
      '76fc6ece0f4e1768cddf8853bb2d551b',
    ],
    [
      cavp,
      'no plaintext, no AAD, count 0',
      'b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4',
      '516c33929df5a3284ff463d7',
      '',
      '',
      '',
      'bdc1ac884d332457a1d2664f168c76f0',
    ],
    [
      cavp,
      'no plaintext, 128 bits of AAD, count 0',
      '78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223',
      'd79cf22d504cc793c3fb6c8a',
      'b96baa8c1c75a671bfb2d08d06be5f36',
      '',
      '',
      '3e5d486aa2e30b22e040b85723a06e76',
    ],
    [
      cavp,
      '128 bits of plaintext, no AAD, count 0',
      '31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22',
      '0d18e06c7c725ac9e362e1ce',
      '',
      '2db5168e932556f8089a0622981d017d',
      'fa4362189661d163fcd6a56d8bf0405a',
      'd636ac1bbedd5cc3ee727dc2ab4a9489',
    ],
    [
      cavp,
      '128 bits of plaintext and of AAD, count 0',
      '92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b',
      'ac93a1a6145299bde902f21a',
      '1e0889016f67601c8ebea4943bc23ad6',
      '2d71bcfa914e4ac045b2aa60955fad24',
      '8995ae2e6df3dbf96fac7b7137bae67f',
      'eca5aa77d51d4a0a14d9c51e1da474ab',
    ],
  ];
  return {
    source: `${viega}; ${cavp}`,
    note: 'those with a 256-bit key and a 96-bit IV',
    cases: cases.map(([source, name, k, nonce, aad, input, output, tag]) => {
      const cipher = createCipheriv('aes-256-gcm', unhex(`0x${k}`), unhex(`0x${nonce}`)).setAAD(unhex(`0x${aad}`));
      const seen = concat(cipher.update(unhex(`0x${input}`)), cipher.final(), cipher.getAuthTag());
      same(`AES-256-GCM ${name}`, hex(seen), `0x${output}${tag}`);
      return {
        source,
        name,
        key: `0x${k}`,
        iv: `0x${nonce}`,
        aad: `0x${aad}`,
        plaintext: `0x${input}`,
        ciphertext: `0x${output}`,
        tag: `0x${tag}`,
      };
    }),
  };
}

export function hkdfVectors(): Json {
  const run = (from: number, to: number) =>
    Buffer.from(Array.from({ length: to - from + 1 }, (_, i) => from + i)).toString('hex');
  const cases: [name: string, ikm: string, salt: string, info: string, length: number, okm: string][] = [
    [
      'A.1',
      '0b'.repeat(22),
      '000102030405060708090a0b0c',
      'f0f1f2f3f4f5f6f7f8f9',
      42,
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    ],
    [
      'A.2',
      run(0x00, 0x4f),
      run(0x60, 0xaf),
      run(0xb0, 0xff),
      82,
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    ],
    [
      'A.3',
      '0b'.repeat(22),
      '',
      '',
      42,
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    ],
  ];
  return {
    source: 'RFC 5869, appendix A.1 to A.3',
    cases: cases.map(([name, ikm, salt, info, length, okm]) => {
      const seen = new Uint8Array(
        hkdfSync('sha256', unhex(`0x${ikm}`), unhex(`0x${salt}`), unhex(`0x${info}`), length),
      );
      same(`HKDF ${name}`, hex(seen), `0x${okm}`);
      return { name, ikm: `0x${ikm}`, salt: `0x${salt}`, info: `0x${info}`, length, okm: `0x${okm}` };
    }),
  };
}

export function keccakVectors(): Json {
  const cases: [message: string, digest: string][] = [
    ['', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
    ['abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
    ['transfer(address,uint256)', 'a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b'],
  ];
  return {
    source: 'Ethereum Yellow Paper (empty), Keccak team (abc), ERC-20 (selector of transfer)',
    cases: cases.map(([message, digest]) => {
      same(`Keccak-256 of ${message}`, hex(keccak256(utf8(message))), `0x${digest}`);
      return { message, digest: `0x${digest}` };
    }),
  };
}

const text = (message: string): string => Buffer.from(message).toString('hex');

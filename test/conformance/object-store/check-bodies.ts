import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Bench, BODY, flipBit, md5, requestHead, sendBytes, sha256, withBody } from './bench.ts';
import { makeClient, signCommand } from './signed-request.ts';

export function checkBodies(bench: Bench): void {
  describe('checksums and lengths', () => {
    it('takes a right SHA-256, CRC-32 and MD5, and gives the SHA-256 back when asked', async () => {
      const key = bench.newKey();
      await bench.put(key, { ChecksumSHA256: sha256(BODY), ContentMD5: md5(BODY, 'base64') });
      assert.equal((await bench.get(key, { ChecksumMode: 'ENABLED' })).ChecksumSHA256, sha256(BODY));
      const withCrc = makeClient(bench.store, { requestChecksumCalculation: 'WHEN_SUPPORTED' });
      await withCrc.send(bench.putCommand(bench.newKey()));
      withCrc.destroy();
    });

    it('refuses a body whose SHA-256 is another', () =>
      bench.refusesAltered((wire) => wire, [400], { more: { ChecksumSHA256: sha256(Buffer.from('other')) } }));
    it('refuses a body whose MD5 is another', () =>
      bench.refusesAltered((wire) => wire, [400], { more: { ContentMD5: md5(Buffer.from('other'), 'base64') } }));
    it('refuses a body whose CRC-32 is another', () =>
      bench.refusesAltered((wire) => wire, [400], { more: { ChecksumCRC32: 'AAAAAA==' } }));
    it('refuses a checksum that is none', () =>
      bench.refusesAltered((wire) => wire, [400], { options: { headers: { 'x-amz-checksum-sha256': 'AAAA' } } }));
    it('refuses a body with one bit flipped after signing', () =>
      bench.refusesAltered((wire) => ({ ...wire, body: flipBit(wire.body) }), [400, 403]));
    it('refuses a body one byte shorter or longer than the signed one', async () => {
      await bench.refusesAltered(withBody(BODY.subarray(1)), [400, 403]);
      await bench.refusesAltered(withBody(Buffer.concat([BODY, BODY.subarray(0, 1)])), [400, 403]);
    });
    it('refuses a body without Content-Length', () =>
      bench.refusesAltered(
        (wire) => {
          const { 'content-length': _, ...headers } = wire.headers;
          return { ...wire, headers: { ...headers, 'transfer-encoding': 'chunked' } };
        },
        [400, 403, 411, 501],
      ));

    it('keeps nothing of a body that breaks off before its Content-Length', async () => {
      const key = bench.newKey();
      const wire = await signCommand(bench.store, bench.putCommand(key, { Body: randomBytes(100_000) }));
      await sendBytes(bench.store, Buffer.concat([requestHead(wire), wire.body.subarray(0, 99_999)]));
      await bench.assertAbsent(key);
    });

    it('does not take bytes behind Content-Length into the object', async () => {
      const key = bench.newKey();
      const wire = await signCommand(bench.store, bench.putCommand(key));
      await sendBytes(bench.store, Buffer.concat([requestHead(wire), wire.body, Buffer.from('and more')]));
      const kept = await bench.read(key).catch(() => BODY);
      assert.deepEqual(kept, BODY);
    });

    it('refuses Content-Length that is no number, negative or given twice', async () => {
      for (const bad of ['x', '-1', '25\r\ncontent-length: 26', '0x19', '25, 25']) {
        const key = bench.newKey();
        const wire = await signCommand(bench.store, bench.putCommand(key));
        const headers = { ...wire.headers, 'content-length': bad };
        const answer = await sendBytes(bench.store, Buffer.concat([requestHead({ ...wire, headers }), wire.body]));
        assert.doesNotMatch(answer, /^HTTP\/1.1 2/, bad);
        await bench.assertAbsent(key);
      }
    });
  });
}

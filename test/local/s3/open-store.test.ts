import assert from 'node:assert/strict';
import { access, cp, mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { metaPath, objectPath } from '../../../local/s3/object-path.ts';
import {
  commitEntry,
  type JournalEntry,
  nextSequencer,
  type ObjectMeta,
  type ObjectStore,
  openObject,
  openStore,
  temporaryPath,
  withObject,
} from '../../../local/s3/open-store.ts';
import { makeEvent } from '../../../local/s3/s3-event.ts';

const BUCKET = 'blocks';
const KEY = 'ab/cd.car';

describe('openStore after a crash', () => {
  let folder: string;
  let live: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-store-'));
    live = join(folder, 'live');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const change = (store: ObjectStore, operation: 'put' | 'delete', content: string, nowMs = 1) => {
    const sequencer = nextSequencer(store, nowMs, undefined);
    const eventName = operation === 'put' ? 'ObjectCreated:Put' : 'ObjectRemoved:Delete';
    const where = { region: 'r', atMs: nowMs, requestId: 'q', accessKey: 'a', bucket: BUCKET, key: KEY, sequencer };
    const event = makeEvent({ eventName, ...where });
    const upload = operation === 'put' ? `upload-${content}` : null;
    const entry: JournalEntry = { operation, bucket: BUCKET, key: KEY, upload, sequencer, event };
    const meta: ObjectMeta = {
      etag: content,
      lastModifiedMs: nowMs,
      sequencer,
      systemHeaders: {},
      userMetadata: {},
      checksums: {},
    };
    return { entry, meta };
  };
  const commit = async (store: ObjectStore, operation: 'put' | 'delete', content = '') => {
    const { entry, meta } = change(store, operation, content);
    if (entry.upload !== null) await writeFile(temporaryPath(store, entry.upload), content);
    await withObject(store, BUCKET, KEY, () => commitEntry(store, entry, operation === 'put' ? meta : null));
    return entry;
  };
  /** What is stored, as bytes and as remembered, which must agree. */
  const stored = async (dataDir: string) => {
    const { store, pending } = await openStore(dataDir, [BUCKET]);
    const found = await openObject(store, BUCKET, KEY);
    const content = found === null ? null : (await found.handle.readFile()).toString();
    await found?.handle.close();
    if (found !== null) assert.equal(found.meta.etag, content);
    assert.deepEqual(await readdir(join(dataDir, 'tmp')), []);
    return { content, events: pending.map(({ event }) => event.eventName) };
  };
  const path = () => objectPath(live, BUCKET, KEY);
  const sidecar = () => metaPath(path());

  it('finds the old object, and no leftovers, when a put was not decided', async () => {
    const { store } = await openStore(live, [BUCKET]);
    await commit(store, 'put', 'old');
    await writeFile(temporaryPath(store, 'half an upload'), 'ne');
    await writeFile(temporaryPath(store, 'half an upload.meta'), '{');
    assert.deepEqual(await stored(live), { content: 'old', events: ['ObjectCreated:Put'] });
  });

  it('finds the whole new object at every instant after a put was decided', async () => {
    const { store } = await openStore(live, [BUCKET]);
    await commit(store, 'put', 'old');
    const before = join(folder, 'before');
    await cp(live, before, { recursive: true });
    const entry = await commit(store, 'put', 'new');
    // Undo what came after the decision, latest first: the renamed sidecar, then the renamed bytes.
    const old = objectPath(before, BUCKET, KEY);
    const expected = { content: 'new', events: ['ObjectCreated:Put', 'ObjectCreated:Put'] };
    const replay = async () => {
      const copy = join(folder, `copy-${Math.random()}`);
      await cp(live, copy, { recursive: true });
      assert.deepEqual(await stored(copy), expected);
      assert.deepEqual(await stored(copy), expected, 'opening twice changes nothing');
    };
    await replay();
    await rename(sidecar(), temporaryPath(store, `${entry.upload}.meta`));
    await cp(metaPath(old), sidecar());
    await replay();
    await rename(path(), temporaryPath(store, entry.upload!));
    await cp(old, path());
    await replay();
  });

  it('finds nothing at every instant after a delete was decided', async () => {
    const { store } = await openStore(live, [BUCKET]);
    await commit(store, 'put', 'old');
    const before = join(folder, 'before');
    await cp(live, before, { recursive: true });
    await commit(store, 'delete');
    const expected = { content: null, events: ['ObjectCreated:Put', 'ObjectRemoved:Delete'] };
    await cp(metaPath(objectPath(before, BUCKET, KEY)), sidecar());
    const copy = join(folder, 'copy');
    await cp(live, copy, { recursive: true });
    assert.deepEqual(await stored(copy), expected);
    await cp(objectPath(before, BUCKET, KEY), path());
    assert.deepEqual(await stored(live), expected);
    await assert.rejects(access(path()));
    await assert.rejects(access(sidecar()));
  });

  it('does not let an old delete, whose event is still owed, take a newer object', async () => {
    const { store } = await openStore(live, [BUCKET]);
    await commit(store, 'put', 'old');
    await commit(store, 'delete');
    const entry = await commit(store, 'put', 'new');
    const events = ['ObjectCreated:Put', 'ObjectRemoved:Delete'];
    assert.deepEqual(await stored(live), { content: 'new', events: [...events, 'ObjectCreated:Put'] });
    await unlink(join(live, 'journal', `${entry.sequencer}.json`));
    assert.deepEqual(await stored(live), { content: 'new', events });
  });

  it('does not let an old put, whose event is still owed, come back over a damaged file', async () => {
    const { store } = await openStore(live, [BUCKET]);
    await commit(store, 'put', 'old');
    await writeFile(path(), 'damaged');
    await openStore(live, [BUCKET]);
    assert.equal(await readFile(path(), 'utf8'), 'damaged');
    await rm(dirname(path()), { recursive: true });
    assert.deepEqual(await stored(live), { content: null, events: ['ObjectCreated:Put'] });
  });

  it('goes on with greater sequencers when the clock was set back', async () => {
    const { store } = await openStore(live, [BUCKET]);
    const late = nextSequencer(store, 2_000_000, undefined);
    assert.ok(nextSequencer(store, 1, undefined) > late);
    const { store: fresh } = await openStore(join(folder, 'fresh'), [BUCKET]);
    const next = nextSequencer(fresh, 1, late);
    assert.ok(next > late && next.length === late.length);
  });
});

#!/usr/bin/env python3
"""Verifies a dataset with nothing of Plumbline's own code: written from docs/specification.md, on Python's standard library
and the OpenSSL that it is linked with (AES-GCM, by ctypes). The bucket is not believed: the head comes from DISSC by
raw JSON-RPC, the keys from the device's provision file. Prints one line a batch. Exit codes: 0 every recorded block is
here, as it was recorded, and decrypts; 1 it is not; 2 wrong arguments; 3 chain or bucket do not answer.

    python3 examples/verify.py device.json --stack stack.json            the bucket over S3, as stack.json says
    python3 examples/verify.py device.json --folder PATH_OF_THE_BUCKET   a copy of it, or the embedded store's own folder
    --rpc URL    another node than device.json names        --latest    by the newest block instead of the final one
"""
import argparse, json, sys
from verify_parts import (Folder, G, H, HMAC, Refused, S3, call, encode_object, fields, keccak, account_of, mul, open_gcm, recover, require,
                          sections, u, unhex, whole, word)

account_word = lambda account: bytes(12) + account

def typed_hash(domain, kind, *words):
    separator = keccak(keccak(b'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
                       + keccak(b'Plumbline DISSC') + keccak(b'2') + word(domain[0]) + account_word(domain[1]))
    return keccak(b'\x19\x01' + separator + keccak(keccak(kind) + b''.join(words)))

# --- the log (RFC 9162) -----------------------------------------------------------------------------------------------
def mth(hashes):
    if len(hashes) == 1: return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return H(b'\1', mth(hashes[:split]), mth(hashes[split:]))

leaf = lambda data: H(b'\0', data)

def grow(peaks, size, leaves):
    peaks = list(peaks)
    for node in leaves:
        position = size
        while position & 1: node, position = H(b'\1', peaks.pop(), node), position >> 1
        peaks.append(node)
        size += 1
    return peaks

def bag(peaks):
    root = peaks[-1] if peaks else bytes(32)
    for peak in reversed(peaks[:-1]): root = H(b'\1', peak, root)
    return root

# What a hostile segment makes fail here; none of it lets a segment pass.
MALFORMED = (Refused, AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)

# --- one segment ------------------------------------------------------------------------------------------------------
def check_segment(car, key, device, read_object):
    """What a segment and the device's keys show. Raises where the manifest is not what the device signed and sealed: nothing of
    it counts. Returns manifest, signer, leaf hashes, bytes of content (None under another device's keys), and the blocks that
    are not as recorded, with the reason: the others are none the worse for them."""
    dataset, first = unhex(device['dataset']), int(key.split('/')[1])
    parts = list(sections(car))
    header, manifest = whole(parts[0]), fields(whole(parts[1][36:]), 'v dataset serial first salt nonce head signature blocks')
    require(header == {'roots': [('link', parts[1][:36])], 'version': 1}, 'its CAR header names another root')
    require(parts[1][:36] == b'\x01\x71\x12\x20' + H(parts[1][36:]), "the manifest's CID is not its own")
    require(manifest['v'] == 2 and manifest['dataset'] == dataset and manifest['first'] == first, 'it is of another dataset or place')
    fields(manifest['head'], 'size root')
    entries, nonce, kind = manifest['blocks'], manifest['nonce'], device['kind']
    require(1 <= len(entries) <= 1024 and manifest['head']['size'] == first + len(entries), 'head and count disagree')
    require(type(manifest['serial']) is int and 0 < manifest['serial'] < 2**32, "its serial is not a device's")
    require(nonce is None if kind else type(nonce) is bytes and len(nonce) == 16, 'its nonce does not fit the kind of the dataset')
    head = typed_hash(device['domain'], b'Head(bytes32 dataset,uint64 size,bytes32 root)', dataset,
                      word(manifest['head']['size']), manifest['head']['root'])
    signer = recover(head, manifest['signature'])
    least, most = (17, 2**20) if kind == 0 else (1, 2**20 - 16)
    digests = []
    for number, entry in enumerate(entries):
        where, meta = f'block {first + number}', fields(whole(entry['meta']), 'at', 'clock time after name type part parts from object')
        fields(entry, 'cid size chunkRoot meta record' + (' object' if kind == 2 else ''))
        require(entry['cid'][0] == 'link' and entry['cid'][1][:4] == b'\x01\x55\x12\x20' and len(entry['cid'][1]) == 36, f'{where}: CID')
        require(least <= entry['size'] <= most and len(entry['record']) == 96, f'{where}: size')
        require(len(entry['meta']) <= 512 and ('object' in meta) == (kind == 2), f'{where}: meta')
        digests.append(H(b'\2', dataset, u(64, first + number), u(32, entry['size']), entry['cid'][1][4:], entry['chunkRoot'], H(entry['meta'])))
    require(sum(entry['size'] for entry in entries) <= 2**25, 'its blocks have too many bytes')
    require(len(parts) == 2 + (len(entries) if kind != 2 else 0), 'blocks are missing, or too many')
    # The records, from the openings in the manifest: no byte of a block is needed for them.
    is_ours, content_keys = manifest['serial'] == device['serial'], [None] * len(entries)
    require((signer == device['account']) == is_ours, 'its head is signed by another account than its serial says')
    if is_ours:
        audit, read = HMAC(unhex(device['datasetKey']), b'\1'), HMAC(unhex(device['datasetKey']), b'\2')
        salt = HMAC(audit, b'\x10', u(64, first), u(32, len(entries)), mth([leaf(digest) for digest in digests]))
        require(salt == manifest['salt'], 'its salt is not the one of these digests')
        batch_key, content_batch = HMAC(audit, b'\x11', salt), nonce and HMAC(read, b'\x20', nonce)
        for number, (entry, digest) in enumerate(zip(entries, digests)):
            block_key = HMAC(batch_key, b'\x12', u(64, first + number))
            if nonce: content_keys[number] = HMAC(content_batch, b'\x21', u(64, first + number))
            sealed = bytes(a ^ b for a, b in zip(digest, H(b'\x13', block_key)))
            record = sealed + H(b'\x14', block_key) + (H(b'\x22', content_keys[number]) if nonce else bytes(32))
            require(record == entry['record'], f'block {first + number}: its record is another')
    # The bytes, against the openings.
    damaged, content_bytes = [], 0
    for number, entry in enumerate(entries):
        cid, block = parts[2 + number][:36] if kind != 2 else entry['cid'][1], read_object(entry) if kind == 2 else parts[2 + number][36:]
        chunks = [leaf(block[at:at + 1024]) for at in range(0, len(block), 1024)]
        if len(block) != entry['size'] or cid != entry['cid'][1] or H(block) != cid[4:] or mth(chunks) != entry['chunkRoot']:
            damaged.append((first + number, 'other bytes than recorded'))
            continue
        content = open_gcm(content_keys[number], dataset + u(64, first + number), block) if nonce and is_ours else block
        if content is None: damaged.append((first + number, 'does not decrypt'))
        else: content_bytes += len(content)
    require(damaged or H(car).hex() == key.split('/')[2].removesuffix('.car'), 'its bytes are not those of its name')
    return manifest, signer, [leaf(entry['record']) for entry in entries], content_bytes if is_ours else None, damaged

# --- the whole dataset ------------------------------------------------------------------------------------------------
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('device')
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument('--stack'), where.add_argument('--folder')
    parser.add_argument('--rpc'), parser.add_argument('--latest', action='store_true')
    options = parser.parse_args()
    device = json.load(open(options.device))
    dissc, dataset, owner, charter = unhex(device['dissc'].lower()), unhex(device['dataset']), unhex(device['owner'].lower()), device['charter']
    device['domain'], device['account'] = (device['chainId'], dissc), account_of(mul(int(device['devicePrivateKey'], 16), G))
    bucket = S3(json.load(open(options.stack))) if options.stack else Folder(options.folder)
    rpc, tag = options.rpc or device['rpcUrl'], 'latest' if options.latest else 'finalized'

    name = device['name'].encode().ljust(32, b'\0')
    identity = word(device['chainId']) + account_word(dissc) + account_word(owner) + name + word(device['kind'])
    require(keccak(identity) == dataset, 'device.json: the dataset id does not follow from owner, name and kind')
    signed = typed_hash(device['domain'], b'Charter(bytes32 name,uint8 kind,address device,address anchorer,uint32 serial,uint64 from)',
                        name, word(device['kind']), account_word(device['account']), account_word(unhex(charter['anchorer'].lower())),
                        word(charter['serial']), word(charter['from']))
    require(recover(signed, unhex(charter['signature'])) == owner, 'device.json: the charter is not signed by the owner')

    answer = call(rpc, device['dissc'], keccak(b'head(bytes32)')[:4] + dataset, tag)
    size, root = int.from_bytes(answer[:32], 'big'), answer[32:64]
    print(f"{device['name']}: DISSC has {size} blocks, root 0x{root.hex()} ({tag} block); charter {charter['serial']} of 0x{owner.hex()}")

    def read_object(entry):
        where = entry['object']
        require(whole(entry['meta'])['object'] == H(encode_object(where)), 'the meta binds another object')
        try: return bucket.get(where['key'])[where['offset']:where['offset'] + entry['size']]
        except OSError: return b''  # it is gone: a block like any other that is not as recorded

    batches = {}
    for key in bucket.keys(dataset.hex()):
        try:
            batches.setdefault(int(key.split('/')[1]), []).append((key, *check_segment(bucket.get(key), key, device, read_object)))
        except MALFORMED as fault:
            print(f'REFUSED  {key}: {fault}')
    # Rivals can share a first block: every way through them is tried, one has to lead to the root on the chain.
    paths, found = [(0, [], [])], None
    while paths and found is None:
        at, peaks, path = paths.pop()
        if at == size: found = path if bag(peaks) == root else None
        for batch in batches.get(at, []) if at < size else []:
            grown = grow(peaks, at, batch[3])
            head = batch[1]['head']
            if bag(grown) == head['root'] and head['size'] <= size: paths.append((head['size'], grown, path + [batch]))
    damaged = 0
    for key, manifest, signer, leaves, content, faults in found or []:
        what = f'{content} bytes of content open' if content is not None else f"sealed by the device of serial {manifest['serial']}, whose keys are not here"
        blocks = f"blocks {manifest['first']} to {manifest['first'] + len(leaves) - 1}"
        print(f"{'DAMAGED ' if faults else 'intact  '} {blocks}: records, log, signature of 0x{signer.hex()}; {what}" + ''.join(f'; block {index}: {why}' for index, why in faults))
        damaged += len(faults)
    for first in sorted(batches):
        for key, manifest, *_ in batches[first]:
            if first >= size: print(f"stored   blocks {first} to {manifest['head']['size'] - 1}: not recorded yet")
    if found is None:
        reached = max([b[1]['head']['size'] for some in batches.values() for b in some if b[1]['head']['size'] <= size], default=0)
        print(f'NOT INTACT: what the bucket has does not lead to the head on the chain (segments that verify end at block {reached} of {size}).')
    elif damaged:
        print(f'NOT INTACT: {damaged} of {size} blocks on the chain are damaged.')
    else:
        print(f"{'All' if size else 'No'} blocks on the chain: {size} verified.")
    return 1 if found is None or damaged else 0

if __name__ == '__main__':
    try: code = main()
    except Refused as fault: code = print(f'NOT INTACT: {fault}') or 1
    except OSError as fault: code = print(f'Chain, bucket or a file cannot be read: {fault}') or 3
    sys.exit(code)

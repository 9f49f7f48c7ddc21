#!/usr/bin/env python3
"""A device with nothing of Plumbline's own code: written from docs/specification.md, on Python's standard library and the OpenSSL that it
is linked with. Each line that it reads becomes a block, as it is, with its line end. It seals them into segments, which it keeps until
they are final on the chain; it shows its charter, uploads, and has the service record them or does so by itself.
Exit codes: 0 all of it is recorded, finally; 1 service or chain refuse it; 2 wrong arguments; 3 one of them does not answer, or not in
time: call again, and it goes on.

    python3 examples/device.py device.json < readings.txt
    --direct         records by its own transaction: the device's account needs ether
    --outbox FOLDER  where segments are kept (default: beside device.json, with .outbox behind its name)
    --from-block N   where to look for the dataset's events from       --patience SECONDS   to wait for the chain (default: 120)
"""
import argparse, json, os, sys, time, urllib.request
from device_parts import abi, abi_array, abi_bytes, car_of, encode, fetch, post, raw_cid, rpc, seal_gcm, send, sign
from verify import account_word, bag, grow, leaf, mth, typed_hash
from verify_parts import G, H, HMAC, Refused, account_of, call, keccak, mul, require, sections, u, unhex, whole, word

MOST_BLOCKS, MOST_BYTES, LOG_STEP = 1024, 2**25, 10_000

# --- sealing ----------------------------------------------------------------------------------------------------------
def seal(device, first, peaks, contents, metas):
    """The segment of one batch: its CAR file, and the peaks of the log with it."""
    dataset, key = unhex(device['dataset']), unhex(device['datasetKey'])
    audit, read, places = HMAC(key, b'\1'), HMAC(key, b'\2'), range(first, first + len(contents))
    blocks, nonce, content_keys = contents, None, None
    if device['kind'] == 0:
        nonce = HMAC(read, b'\x23', os.urandom(16), u(64, first), mth([leaf(content) for content in contents]))[:16]
        content_batch = HMAC(read, b'\x20', nonce)
        content_keys = [HMAC(content_batch, b'\x21', u(64, index)) for index in places]
        blocks = [seal_gcm(*one) for one in zip(content_keys, (dataset + u(64, index) for index in places), contents)]
    roots = [mth([leaf(block[at:at + 1024]) for at in range(0, len(block), 1024)]) for block in blocks]
    digests = [H(b'\2', dataset, u(64, index), u(32, len(block)), H(block), root, H(meta))
               for index, block, root, meta in zip(places, blocks, roots, metas)]
    salt = HMAC(audit, b'\x10', u(64, first), u(32, len(blocks)), mth([leaf(digest) for digest in digests]))
    batch_key, records = HMAC(audit, b'\x11', salt), []
    for number, (index, digest) in enumerate(zip(places, digests)):
        block_key = HMAC(batch_key, b'\x12', u(64, index))
        sealed = bytes(a ^ b for a, b in zip(digest, H(b'\x13', block_key)))
        records.append(sealed + H(b'\x14', block_key) + (H(b'\x22', content_keys[number]) if nonce else bytes(32)))
    peaks = grow(peaks, first, [leaf(record) for record in records])
    head = {'size': first + len(blocks), 'root': bag(peaks)}
    manifest = {
        'v': 2, 'dataset': dataset, 'serial': device['serial'], 'first': first, 'salt': salt, 'nonce': nonce, 'head': head,
        'signature': sign(device['key'], head_hash(device, head)),
        'blocks': [{'cid': ('link', raw_cid(block)), 'size': len(block), 'chunkRoot': root, 'meta': meta, 'record': record}
                   for block, root, meta, record in zip(blocks, roots, metas, records)],
    }
    return car_of(manifest, blocks), peaks

def head_hash(device, head):
    return typed_hash(device['domain'], b'Head(bytes32 dataset,uint64 size,bytes32 root)', unhex(device['dataset']), word(head['size']), head['root'])

def cut(contents, most_content):
    """Batches, each within its bounds."""
    batch = []
    for content in contents:
        require(len(content) <= most_content, f'a line of {len(content)} bytes: a block has at most {most_content}')
        if len(batch) == MOST_BLOCKS or sum(map(len, batch)) + 16 * len(batch) + len(content) + 16 > MOST_BYTES: yield batch; batch = []
        batch.append(content)
    if batch: yield batch

# --- the log as the chain has it --------------------------------------------------------------------------------------
def steps(size, to):
    """Where the perfect subtrees begin that lead from one size to another, and how many leaves they have."""
    while size < to:
        length = size & -size or 1 << to.bit_length()
        while size + length > to: length >>= 1
        yield size, length
        size += length

def recorded(device, url, from_block):
    """Size and peaks of the newest recorded head, whoever has signed it: from the events, and compared with DISSC's own word."""
    dataset, newest = device['dataset'], int(rpc(url, 'eth_blockNumber'), 16)
    topics, size, peaks = ['0x' + keccak(b'Recorded(bytes32,address,uint64,bytes32,bytes32[])').hex(), dataset], 0, []
    for at in range(from_block, newest + 1, LOG_STEP):
        span = {'fromBlock': hex(at), 'toBlock': hex(min(newest, at + LOG_STEP - 1))}
        for log in rpc(url, 'eth_getLogs', {'address': device['dissc'], 'topics': topics, **span}):
            data = unhex(log['data'])
            to, appended = int.from_bytes(data[:32], 'big'), [data[at:at + 32] for at in range(128, len(data), 32)]
            require(len(list(steps(size, to))) == len(appended), 'an event does not append what leads to its size')
            for (position, length), node in zip(steps(size, to), appended): peaks = grow(peaks, position // length, [node])
            size = to
    answer = call(url, device['dissc'], keccak(b'head(bytes32)')[:4] + unhex(dataset), 'latest')
    require(int.from_bytes(answer[:32], 'big') == size and answer[32:64] == bag(peaks), 'the events do not lead to the head that DISSC has')
    return size, peaks

def record(device, url, size, peaks, leaves, head, patience):
    """DISSC.record, with the charter where the chain does not have it, and the growth from the head that it has."""
    charter, device_account = device['charter'], account_word(device['account'])
    known = call(url, device['dissc'], keccak(b'device(bytes32)')[:4] + unhex(device['dataset']), 'latest')
    charters = [] if int.from_bytes(known[32:64], 'big') >= charter['serial'] else [[abi(
        account_word(unhex(device['owner'])), device['name'].encode().ljust(32, b'\0'), word(device['kind']), device_account,
        account_word(unhex(charter['anchorer'])), word(charter['serial']), word(charter['from']), abi_bytes(unhex(charter['signature'])))]]
    appended = [mth(leaves[at - size:at - size + length]) for at, length in steps(size, head['size'])]
    signature = sign(device['key'], head_hash(device, head))
    update = [abi(unhex(device['dataset']), word(head['size']), head['root'], abi_bytes(signature), abi_array(peaks), abi_array(appended))]
    name = b'record((address,bytes32,uint8,address,address,uint32,uint64,bytes)[],(bytes32,uint64,bytes32,bytes,bytes32[],bytes32[])[])'
    data = keccak(name)[:4] + abi(abi_array(charters), abi_array([update]))
    receipt = send(url, device['chainId'], device['key'], unhex(device['dissc']), data, patience)
    require(int(receipt['status'], 16) == 1, f"transaction {receipt['transactionHash']} was reverted")
    print(f"recorded blocks {size} to {head['size'] - 1} directly: {int(receipt['gasUsed'], 16)} gas, transaction {receipt['transactionHash']}")

# --- from lines to a final head ---------------------------------------------------------------------------------------
def upload(device, car, manifest, record_by):
    api, dataset, first = device['apiUrl'].rstrip('/'), device['dataset'], manifest['first']
    wanted = {'first': first, 'sha256': '0x' + H(car).hex(), 'sizeBytes': len(car), 'record': record_by}
    put = post(f'{api}/v1/datasets/{dataset}/segments', wanted, device['chainId'], device['key'])['put']
    if put is not None:
        require(put['url'].startswith(('https://', 'http://')) and put['method'] == 'PUT', f"the service names {put['url']} for a PUT")
        status, said = fetch(urllib.request.Request(put['url'], car, put['headers'], method=put['method']))
        # 412: an object is written once, and this one is there.
        if status not in (200, 412): raise OSError(f'the storage answers {status} to a PUT: {said.decode(errors="replace")}')
    print(f"stored   blocks {first} to {manifest['head']['size'] - 1}{'' if put else ' before'}")

def keep(path, data):
    with open(path + '.part', 'wb') as file:
        file.write(data), file.flush(), os.fsync(file.fileno())
    os.replace(path + '.part', path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder), os.close(folder)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('device'), parser.add_argument('--direct', action='store_true'), parser.add_argument('--outbox')
    parser.add_argument('--from-block', type=int, default=0), parser.add_argument('--patience', type=int, default=120)
    options = parser.parse_args()
    try:
        device = json.load(open(options.device))
        for name in ('dissc', 'owner'): device[name] = device[name].lower()
    except (ValueError, KeyError, TypeError): parser.error(f'{options.device} is no provision file')
    device['key'], device['domain'] = unhex(device['devicePrivateKey']), (device['chainId'], unhex(device['dissc']))
    device['account'], url = account_of(mul(int.from_bytes(device['key'], 'big'), G)), device['rpcUrl']
    require(device['kind'] in (0, 1), 'an attached dataset is not written by this example')
    outbox = os.path.abspath(options.outbox or options.device + '.outbox')
    os.makedirs(outbox, mode=0o700, exist_ok=True)

    # What an earlier run has sealed is never sealed again: that would be another segment of one place.
    size, peaks = base_size, base_peaks = recorded(device, url, options.from_block)
    pending, leaves = [], []
    for name in sorted(name for name in os.listdir(outbox) if name.endswith('.car')):
        car = open(os.path.join(outbox, name), 'rb').read()
        manifest = whole(list(sections(car))[1][36:])
        pending.append((name, car, manifest))
        if manifest['head']['size'] <= base_size: continue
        require(manifest['first'] == size, f'{name} does not follow on block {size}, where the log ends: another device writes this dataset')
        leaves += [leaf(entry['record']) for entry in manifest['blocks']]
        peaks, size = grow(peaks, size, leaves[size - base_size:]), manifest['head']['size']
        require(bag(peaks) == manifest['head']['root'], f'{name} goes on from another log than the one on the chain')

    # `at` never falls: a clock that went back keeps the last value and says so; without the last value a new stretch begins.
    clock_file = os.path.join(outbox, 'last-at')
    last = int(open(clock_file).read()) if os.path.exists(clock_file) else None
    for contents in cut(iter(sys.stdin.buffer.readline, b''), 2**20 - 16):
        metas = []
        for number, _ in enumerate(contents):
            now, first_ever = time.time_ns() // 10**6, size + number == 0
            metas.append(encode({'at': now, **({'clock': 2} if last is None and not first_ever else {})} if last is None or now >= last else {'at': last, 'clock': 1}))
            last = max(now, last or 0)
        car, peaks = seal(device, size, peaks, contents, metas)
        manifest = whole(list(sections(car))[1][36:])
        keep(clock_file, str(last).encode())
        keep(os.path.join(outbox, f'{size:016}.car'), car)
        pending.append((f'{size:016}.car', car, manifest))
        leaves += [leaf(entry['record']) for entry in manifest['blocks']]
        size += len(contents)
        print(f"sealed   blocks {manifest['first']} to {size - 1}, root 0x{manifest['head']['root'].hex()}")
    if not pending: return print(f'{device["name"]}: nothing to do; DISSC has {base_size} blocks.')

    charter = {'owner': device['owner'], 'name': device['name'], 'kind': device['kind'], 'device': '0x' + device['account'].hex(), **device['charter']}
    post(f"{device['apiUrl'].rstrip('/')}/v1/datasets/{device['dataset']}/charter", charter)
    for _, car, manifest in pending: upload(device, car, manifest, 'direct' if options.direct else 'relayed')
    head = pending[-1][2]['head']
    if options.direct and head['size'] > base_size: record(device, url, base_size, base_peaks, leaves, head, options.patience)
    until = time.monotonic() + options.patience
    while True:
        answer = call(url, device['dissc'], keccak(b'head(bytes32)')[:4] + unhex(device['dataset']), 'finalized')
        final = int.from_bytes(answer[:32], 'big')
        if final >= head['size']: break
        if time.monotonic() > until: raise OSError(f"blocks {final} to {head['size'] - 1} are not final after {options.patience} s; their segments stay in {outbox}")
        time.sleep(0.5)
    require(final > head['size'] or answer[32:64] == head['root'], 'the final head is another than the one that this device has signed')
    for name, _, _ in pending: os.remove(os.path.join(outbox, name))
    print(f"final    {head['size']} blocks, root 0x{head['root'].hex()}")

if __name__ == '__main__':
    try: code = main()
    except Refused as fault: code = print(f'REFUSED: {fault}') or 1
    except OSError as fault: code = print(f'Chain, service or a file does not answer: {fault}') or 3
    except KeyboardInterrupt: code = print('Stopped. What is sealed goes on with the next call.') or 130
    sys.exit(code)

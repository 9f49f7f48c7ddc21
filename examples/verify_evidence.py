#!/usr/bin/env python3
"""Checks an evidence file, and data against it, with nothing of Plumbline's own code: written from docs/specification.md
("Evidence files"), on Python's standard library and the OpenSSL that it is linked with. Asks no chain: what rests on one
is printed. Exit codes: 0 it holds, and the data are what is proven; 1 it does not, or they are not; 2 wrong arguments.

    python3 examples/verify_evidence.py [--dissc ADDRESS] door.evidence.json [DATA]
        DATA: the content, or the stored bytes, of all its blocks
        ADDRESS: the contract that counts, where it is not DISSC; trust one only if you know its code
"""
import base64, json, re, sys
from verify import account_word, leaf, mth, typed_hash
from verify_parts import H, Refused, encode_object, fields, keccak, recover, require, seal_gcm, u, unhex, whole, word

# Where DISSC is on every chain: its address follows from its code ("Deploying").
DISSC = '0x27c63f256afcbe20cb0966c56737e37c60773c9e'
HEX, ZERO = re.compile(r'0x([0-9a-f]{2})*'), bytes(32)

def raw(text, size=None):
    require(isinstance(text, str) and HEX.fullmatch(text), 'bytes are not hex in lower case')
    require(size is None or len(text) == 2 + 2 * size, f'{size} bytes are wanted')
    return unhex(text)

def number(value, least=0, most=2**53 - 1):
    require(type(value) is int and least <= value <= most, 'a number is out of bounds')
    return value

def parse(file):
    """The one form: what is written again, keys sorted, without white space, is the same text."""
    text = file.decode()
    value = json.loads(text)
    # RFC 8785 sorts by UTF-16 units; all keys here are ASCII.
    require(json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False) == text, 'it is not in the one form')
    fields(value, 'v chainId dissc dataset charters head record round blocks proof range after timestamp')
    require(type(value['v']) is int and value['v'] == 2, 'it is of another version')
    require(1 <= len(value['blocks']) <= 65536 and 1 <= len(value['charters']) <= 256, 'too many blocks or charters, or none')
    require(value['record'] or value['round'], 'neither record nor round')
    for names, items in (('serial', value['charters']), ('index', value['blocks']), ('blockNumber', value['after'])):
        order = [number(item[names]) for item in items]
        require(all(a < b for a, b in zip(order, order[1:])), f'{names} does not rise')
    return value

def multiproof_root(leaves, size, nodes):
    nodes = iter(nodes)
    def visit(low, high, wanted):
        if not wanted:
            node = next(nodes, None)
            require(node is not None, 'the proof is too short')
            return node
        if high - low == 1: return leaves[low]
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        left = visit(low, middle, [i for i in wanted if i < middle])
        return H(b'\1', left, visit(middle, high, [i for i in wanted if i >= middle]))
    root = visit(0, size, sorted(leaves))
    require(next(nodes, None) is None, 'the proof is too long')
    return root

def check(e, dissc):
    """All of the specification's steps; the charters by serial, and the metas by block."""
    require(e['dissc'] == dissc, f"it is of the contract {e['dissc']}, not of {'DISSC, which is at ' if dissc == DISSC else ''}{dissc}")
    dataset, domain = raw(e['dataset'], 32), (number(e['chainId'], 1), raw(e['dissc'], 20))
    for c in e['charters']:
        fields(c, 'owner name kind device anchorer serial from signature chartered')
        name = c['name'].encode().ljust(32, b'\0')
        require(1 <= len(c['name'].encode()) <= 32 and '\0' not in c['name'], 'a name')
        require(keccak(word(domain[0]) + account_word(domain[1]) + account_word(raw(c['owner'], 20)) + name + word(number(c['kind'], 0, 2))) == dataset,
                'a charter is of another dataset')
        require(c['signature'] or c['chartered'], 'a charter without signature is not on the chain either')
        require(raw(c['owner']) != bytes(20) and raw(c['device']) != bytes(20), 'a charter names nobody')
        if c['signature']:
            signed = typed_hash(domain, b'Charter(bytes32 name,uint8 kind,address device,address anchorer,uint32 serial,uint64 from)', name, word(c['kind']),
                                account_word(raw(c['device'], 20)), account_word(raw(c['anchorer'], 20)), word(number(c['serial'], 1, 2**32 - 1)), word(number(c['from'])))
            require(recover(signed, raw(c['signature'], 65)) == raw(c['owner']), 'a charter is not signed by its owner')
    kind = e['charters'][0]['kind']
    head = fields(e['head'], 'size root serial signature')
    size, root = number(head['size'], 1, 2**48), raw(head['root'], 32)
    signer = recover(typed_hash(domain, b'Head(bytes32 dataset,uint64 size,bytes32 root)', dataset, word(size), root), raw(head['signature'], 65))
    named = [c['serial'] for c in e['charters'] if raw(c['device']) == signer]
    require(named and named[0] == head['serial'], 'no charter names the signer of the head, with its serial')
    if e['record']: fields(e['record'], 'transaction blockNumber blockHash timeSeconds')
    round_root = None
    if e['round']:
        r = fields(e['round'], 'anchorer number previous history path transaction blockNumber blockHash timeSeconds')
        chartered = [c for c in e['charters'] if c['chartered'] and c['chartered']['blockNumber'] <= r['blockNumber']]
        require((chartered or e['charters'])[-1 if chartered else 0]['anchorer'] == r['anchorer'], 'the charter in force names another anchorer')
        require(len(r['path']) <= 256 and (not r['path'] or raw(r['path'][0]) != ZERO), 'the path in the map is not one')
        node, bits = H(b'\7', dataset, u(64, size), root, u(32, head['serial']), H(raw(head['signature']))), int.from_bytes(dataset, 'big')
        for step, sibling in enumerate(raw(s, 32) for s in r['path']):
            depth = len(r['path']) - 1 - step
            node = H(b'\x08', sibling, node) if bits >> (255 - depth) & 1 else H(b'\x08', node, sibling)
        body = H(b'\6', u(64, number(r['number'], 1)), raw(r['history'], 32), node)
        round_root = H(b'\5', u(64, number(r['timeSeconds'])), raw(r['previous'], 32), body)
    leaves, metas = {}, {}
    for b in e['blocks']:
        fields(b, 'index size sha256 chunkRoot metaHash meta blockKey record contentKey object bytes')
        index, where, record, key = number(b['index'], 0, size - 1), f"block {b['index']}", raw(b['record'], 96), raw(b['blockKey'], 32)
        sealed, commitment, content = record[:32], record[32:64], record[64:]
        require(H(b'\x14', key) == commitment, f'{where}: its key is not the committed one')
        digest = bytes(a ^ c for a, c in zip(sealed, H(b'\x13', key)))
        low, high = (17, 2**20) if kind == 0 else (1, 2**20 - 16)
        opening = raw(b['sha256'], 32), raw(b['chunkRoot'], 32), raw(b['metaHash'], 32)
        require(H(b'\2', dataset, u(64, index), u(32, number(b['size'], low, high)), *opening) == digest, f'{where}: its opening is another')
        require((content == ZERO) == (kind != 0), f'{where}: its record is of another kind')
        if b['contentKey']: require(kind == 0 and H(b'\x22', raw(b['contentKey'], 32)) == content, f'{where}: its content key is not the committed one')
        if b['meta']:
            meta = raw(b['meta'])
            require(len(meta) <= 512 and H(meta) == opening[2], f'{where}: its meta is another')
            metas[index] = fields(whole(meta), 'at', 'clock time after name type part parts from object')
            require(('object' in metas[index]) == (kind == 2) == (b['object'] is not None), f'{where}: its object')
            if b['object']: require(H(encode_object(fields(b['object'], 'key versionId offset'))) == metas[index]['object'], f'{where}: its meta binds another object')
        else: require(b['object'] is None, f'{where}: an object without a meta')
        if b['bytes']: require(is_stored(b, base64.b64decode(b['bytes'], validate=True)), f'{where}: its bytes are others')
        leaves[index] = leaf(record)
    require(multiproof_root(leaves, size, [raw(n, 32) for n in e['proof']]) == root, 'the records do not lead to the head')
    for a in e['after']: require(any(m.get('after') == raw(a['blockHash'], 32) for m in metas.values()), 'no meta names that chain block')
    if e['range']: check_range(e, metas, size)
    if e['timestamp'] is not None: require(1 <= len(base64.b64decode(e['timestamp'], validate=True)) <= 65536, 'the time-stamp token has another size')
    return signer, round_root, metas

def check_range(e, metas, size):
    low, high = number(e['range']['from']), number(e['range']['to'])
    require(low <= high and len(metas) == len(e['blocks']), 'a time is claimed without metas')
    starts = sorted({0} | {c['from'] for c in e['charters'] if c['from'] < size})
    for first, end in zip(starts, starts[1:] + [size]):
        shown = sorted(i for i in metas if first <= i < end)
        require(shown and shown == list(range(shown[0], shown[-1] + 1)), f'blocks {first} to {end - 1}: a gap, or nothing')
        require(shown[0] == first or metas[shown[0]]['at'] < low, 'the block before may be within the time')
        require(shown[-1] == end - 1 or metas[shown[-1]]['at'] > high, 'the block behind may be within the time')
        require(all(metas[i].get('clock') == 2 or metas[i]['at'] >= metas[i - 1]['at'] for i in shown[1:]), 'times fall')

def is_stored(b, data):
    return len(data) == b['size'] and H(data) == raw(b['sha256']) and mth([leaf(data[at:at + 1024]) for at in range(0, len(data), 1024)]) == raw(b['chunkRoot'])

def compare(e, blocks, path):
    """Whether a file is these blocks one behind the other, as stored or as content."""
    data, tags = open(path, 'rb').read(), 16 * len(blocks)
    size = sum(b['size'] for b in blocks)
    as_content = e['charters'][0]['kind'] == 0 and len(data) == size - tags and all(b['contentKey'] for b in blocks)
    require(as_content or len(data) == size, f'{path} has {len(data)} bytes; what is proven has {size} as stored')
    at = 0
    for b in blocks:
        piece = data[at:at + b['size'] - (16 if as_content else 0)]
        at += len(piece)
        stored = seal_gcm(raw(b['contentKey']), raw(e['dataset']) + u(64, b['index']), piece) if as_content else piece
        require(is_stored(b, stored), f"{path} differs from what was recorded, in block {b['index']}, byte {at - len(piece)} to {at - 1}")
    print(f'intact   {path}: {len(blocks)} blocks, {"content" if as_content else "stored bytes"}, byte for byte')

def main():
    args, dissc = sys.argv[1:], DISSC
    if args[:1] == ['--dissc']: dissc, args = (args[1:2] or [''])[0].lower(), args[2:]
    if not 1 <= len(args) <= 2 or not re.fullmatch('0x[0-9a-f]{40}', dissc): return print(__doc__) or 2
    e = parse(open(args[0], 'rb').read())
    signer, round_root, metas = check(e, dissc)
    span = e['range']
    blocks = [b for b in e['blocks'] if not span or span['from'] <= metas[b['index']]['at'] <= span['to']]
    first = e['charters'][0]
    print(f"holds    {len(blocks)} blocks of {first['name']}, signed by device 0x{signer.hex()} of owner {first['owner']}")
    if span: print(f"whole    all that was captured from {span['from']} to {span['to']} ms, in a log of {e['head']['size']} blocks")
    if len(args) == 2: compare(e, blocks, args[1])
    if e['timestamp']: print('UNREAD   a time-stamp token (RFC 3161): not checked here; plumb verify --tsa-roots and openssl ts -verify check it')
    if e['record']: print(f"look up  chain {e['chainId']}: {e['record']['transaction']} recorded {e['head']['size']} blocks, root {e['head']['root']}, in block {e['record']['blockNumber']}, on the contract {dissc}")
    if e['round']: print(f"look up  chain {e['chainId']}: {e['round']['transaction']} anchored round 0x{round_root.hex()} of {e['round']['anchorer']}, in block {e['round']['blockNumber']}, on the contract {dissc}")
    return 0

if __name__ == '__main__':
    try: code = main()
    except (Refused, AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError, RecursionError) as fault: code = print(f'NOT PROVEN: {fault}') or 1
    except OSError as fault: code = print(f'A file cannot be read: {fault}') or 2
    sys.exit(code)

"""Runs examples/verify.py over test/vectors/segments.json and malformed-segments.json; prints a line of JSON with what it found."""
import hashlib, json, os, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'examples'))
import verify

def load(name):
    return json.load(open(os.path.join(ROOT, 'test', 'vectors', name)))

def expand(value):
    """Bytes as test/vectors/README.md writes them."""
    if isinstance(value, str): return bytes.fromhex(value[2:])
    if 'times' in value: return bytes.fromhex(value['hex'][2:]) * value['times']
    count = -(-value['size'] // 32)
    pieces = (hashlib.sha256(value['seed'].encode() + i.to_bytes(4, 'big')).digest() for i in range(count))
    return b''.join(pieces)[:value['size']]

def car_of(case):
    return expand(case['carHex']) if 'carHex' in case else b''.join(map(expand, case['carPieces']))

class Base:
    """A segment that is as it must be, with the device that has sealed it."""
    def __init__(self, case):
        domain = case['domain']
        self.case = case
        self.device = {name: case[name] for name in ('dataset', 'kind', 'serial', 'datasetKey')}
        self.device['domain'] = (domain['chainId'], expand(domain['verifyingContract']))
        self.device['account'] = expand(case['signer'])
        self.contents = {expand(block['sha256']): block['content'] for block in case['blocks']}

    def read_object(self, entry):
        verify.require(verify.whole(entry['meta'])['object'] == verify.H(verify.encode_object(entry['object'])), 'object')
        return expand(self.contents[entry['cid'][1][4:]])

    def check(self, car, key):
        """Bytes of content; raises what verify.py refuses with."""
        manifest, _, leaves, content, damaged = verify.check_segment(car, key, self.device, self.read_object)
        verify.require(not damaged, 'damaged')
        grown = verify.grow([expand(peak) for peak in self.case['peaksBefore']], manifest['first'], leaves)
        verify.require(verify.bag(grown) == manifest['head']['root'], 'root')
        return content

bases = {case['name']: Base(case) for case in load('segments.json')['segments']}
opened = {name: base.check(car_of(base.case), base.case['key']) for name, base in bases.items()}
expected = {name: sum(len(expand(block['content'])) for block in base.case['blocks']) for name, base in bases.items()}

accepted, refused = [], 0
for case in load('malformed-segments.json')['segments']:
    base, car = bases.get(case['base'], bases['plain-one']), car_of(case)
    dataset, first, _ = base.case['key'].split('/')
    try:
        base.check(car, f'{dataset}/{first}/{hashlib.sha256(car).hexdigest()}.car')
        accepted.append(case['name'])
    except verify.MALFORMED:
        refused += 1
print(json.dumps({'opened': opened, 'expected': expected, 'accepted': accepted, 'refused': refused}))

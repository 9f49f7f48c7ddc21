"""What verify.py stands on, and what is not Plumbline's: hashes, curve and cipher, dag-cbor, CAR files, JSON-RPC, S3."""
import ctypes, datetime, glob, hashlib, hmac, json, os, re, urllib.parse, urllib.request, _hashlib

H = lambda *parts: hashlib.sha256(b''.join(parts)).digest()
HMAC = lambda key, *parts: hmac.new(key, b''.join(parts), hashlib.sha256).digest()
u = lambda bits, number: number.to_bytes(bits // 8, 'big')
word = lambda number: u(256, number)
unhex = lambda text: bytes.fromhex(text[2:])

def keccak(data):
    rotl = lambda x, n: ((x << n) | (x >> (64 - n))) & (2**64 - 1) if n else x
    a = [[0] * 5 for _ in range(5)]
    data += b'\x01' + bytes(-(len(data) + 1) % 136)
    data = data[:-1] + bytes([data[-1] | 0x80])
    for at in range(0, len(data), 136):
        for i in range(17): a[i % 5][i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], 'little')
        lfsr = 1
        for _ in range(24):
            c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
            d = [c[(x - 1) % 5] ^ rotl(c[(x + 1) % 5], 1) for x in range(5)]
            a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            x, y, lane = 1, 0, a[1][0]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                lane, a[x][y] = a[x][y], rotl(lane, (t + 1) * (t + 2) // 2 % 64)
            a = [[a[x][y] ^ (~a[(x + 1) % 5][y] & a[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
            for j in range(7):
                if lfsr & 1: a[0][0] ^= 1 << (2**j - 1)
                lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
    return b''.join(a[i % 5][i // 5].to_bytes(8, 'little') for i in range(4))

P, N = 2**256 - 2**32 - 977, 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141
G = (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,
     0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8)

def add(p, q):
    if p is None or q is None: return q if p is None else p
    if p[0] == q[0] and (p[1] + q[1]) % P == 0: return None
    m = (3 * p[0] * p[0] * pow(2 * p[1], -1, P) if p == q else (q[1] - p[1]) * pow(q[0] - p[0], -1, P)) % P
    x = (m * m - p[0] - q[0]) % P
    return x, (m * (p[0] - x) - p[1]) % P

def mul(k, p):
    result = None
    while k:
        if k & 1: result = add(result, p)
        p, k = add(p, p), k >> 1
    return result

account_of = lambda point: keccak(u(256, point[0]) + u(256, point[1]))[12:]

def recover(digest, signature):
    r, s, v = int.from_bytes(signature[:32], 'big'), int.from_bytes(signature[32:64], 'big'), signature[64:]
    require(0 < r < N and 0 < s <= N // 2 and v in (b'\x1b', b'\x1c'), 'a signature does not have the one form that counts')
    y = pow(r**3 + 7, (P + 1) // 4, P)
    require(r < P and y * y % P == (r**3 + 7) % P, 'a signature is not on the curve')
    point = (r, y if y % 2 == v[0] - 27 else P - y)
    inverse = pow(r, -1, N)
    return account_of(add(mul(s * inverse % N, point), mul(-int.from_bytes(digest, 'big') * inverse % N, G)))

def open_gcm(key, aad, sealed):
    """AES-256-GCM with an iv of 12 zero bytes and the tag appended; None when it does not open."""
    ssl = ctypes.CDLL(_hashlib.__file__)  # its symbols are those of the libcrypto behind it
    for name in ('EVP_CIPHER_CTX_new', 'EVP_aes_256_gcm'): getattr(ssl, name).restype = ctypes.c_void_p
    context, out, length = ctypes.c_void_p(ssl.EVP_CIPHER_CTX_new()), ctypes.create_string_buffer(len(sealed)), ctypes.c_int()
    body, tag = sealed[:-16], sealed[-16:]
    ssl.EVP_DecryptInit_ex(context, ctypes.c_void_p(ssl.EVP_aes_256_gcm()), None, key, bytes(12))
    ssl.EVP_DecryptUpdate(context, None, ctypes.byref(length), aad, len(aad))
    ssl.EVP_DecryptUpdate(context, out, ctypes.byref(length), body, len(body))
    ssl.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, tag)
    opened = ssl.EVP_DecryptFinal_ex(context, None, ctypes.byref(length))
    ssl.EVP_CIPHER_CTX_free(context)
    return out.raw[:len(body)] if opened == 1 else None

def seal_gcm(key, aad, content):
    """AES-256-GCM with an iv of 12 zero bytes, its tag appended."""
    ssl = ctypes.CDLL(_hashlib.__file__)
    for name in ('EVP_CIPHER_CTX_new', 'EVP_aes_256_gcm'): getattr(ssl, name).restype = ctypes.c_void_p
    context, out, length = ctypes.c_void_p(ssl.EVP_CIPHER_CTX_new()), ctypes.create_string_buffer(len(content)), ctypes.c_int()
    tag = ctypes.create_string_buffer(16)
    ssl.EVP_EncryptInit_ex(context, ctypes.c_void_p(ssl.EVP_aes_256_gcm()), None, key, bytes(12))
    ssl.EVP_EncryptUpdate(context, None, ctypes.byref(length), aad, len(aad))
    ssl.EVP_EncryptUpdate(context, out, ctypes.byref(length), content, len(content))
    ssl.EVP_EncryptFinal_ex(context, None, ctypes.byref(length))
    ssl.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag)
    ssl.EVP_CIPHER_CTX_free(context)
    return out.raw + tag.raw

# --- dag-cbor, strictly; CAR files ------------------------------------------------------------------------------------
class Refused(Exception): pass

def require(true, why):
    if not true: raise Refused(why)

def cbor(data, at=0, depth=0):
    require(depth < 8 and at < len(data), 'dag-cbor: too deep, or cut short')
    kind, small = data[at] >> 5, data[at] & 31
    at += 1
    if kind == 7:
        require(small in (20, 21, 22), 'dag-cbor: a value that no format here has')
        return {20: False, 21: True, 22: None}[small], at
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(small, 0)
    number = int.from_bytes(data[at:at + width], 'big') if width else small
    require(small < 28 and (not width or number >= (24 if width == 1 else 256**(width // 2))), 'dag-cbor: a longer integer than needed')
    at += width
    if kind in (0, 1): return (number if kind == 0 else -1 - number), at
    if kind in (2, 3):
        require(at + number <= len(data), 'dag-cbor: cut short')
        return (data[at:at + number] if kind == 2 else data[at:at + number].decode()), at + number
    if kind == 6:
        require(number == 42, 'dag-cbor: a tag that is not a link')
        link, at = cbor(data, at, depth + 1)
        return ('link', link[1:]), at
    items = []
    for _ in range(number * (2 if kind == 5 else 1)):
        item, at = cbor(data, at, depth + 1)
        items.append(item)
    if kind == 4: return items, at
    keys = [key.encode() for key in items[::2]]
    require(all((len(a), a) < (len(b), b) for a, b in zip(keys, keys[1:])), 'dag-cbor: keys repeated or out of order')
    return dict(zip(items[::2], items[1::2])), at

def whole(data):
    value, end = cbor(data)
    require(end == len(data), 'dag-cbor: something follows')
    return value

def fields(value, names, optional=''):
    """The map itself, if it has these fields and no others."""
    require(isinstance(value, dict) and set(names.split()) <= set(value) <= set((names + ' ' + optional).split()), f'its fields are not: {names}')
    return value

def sections(car):
    at = 0
    while at < len(car):
        length = shift = 0
        while True:
            length, shift, at = length | (car[at] & 127) << shift, shift + 7, at + 1
            if car[at - 1] < 128: break
        require(car[at - 1] or shift == 7, 'a length in more bytes than it needs')
        require(at + length <= len(car), 'the CAR is cut short')
        yield car[at:at + length]
        at += length

def encode_object(where):
    """Canonical dag-cbor of {key, offset, versionId}: keys by length, then bytes."""
    def item(kind, number):
        width = 0 if number < 24 else 1 if number < 2**8 else 2 if number < 2**16 else 4 if number < 2**32 else 8
        return bytes([kind << 5 | (number if not width else 23 + width.bit_length())]) + (number.to_bytes(width, 'big') if width else b'')
    text = lambda value: item(3, len(value.encode())) + value.encode()
    version = b'\xf6' if where['versionId'] is None else text(where['versionId'])
    return item(5, 3) + text('key') + text(where['key']) + text('offset') + item(0, where['offset']) + text('versionId') + version

# --- where things are: DISSC by JSON-RPC, the bucket as a folder or over S3 -------------------------------------------
def call(rpc, to, data, tag):
    body = {'jsonrpc': '2.0', 'id': 1, 'method': 'eth_call', 'params': [{'to': to, 'data': '0x' + data.hex()}, tag]}
    request = urllib.request.Request(rpc, json.dumps(body).encode(), {'content-type': 'application/json'})
    answer = json.load(urllib.request.urlopen(request, timeout=30))
    if answer.get('error'): raise OSError(f"the chain at {rpc} says: {answer['error'].get('message')}")
    return unhex(answer['result'])

class Folder:
    def __init__(self, path): self.path = path
    def keys(self, dataset):
        paths = glob.glob(os.path.join(glob.escape(self.path), dataset, '*', '*.car*'))
        return sorted(os.path.relpath(path, self.path).removesuffix('@data') for path in paths if not path.endswith('@meta'))
    def get(self, key):
        path = os.path.join(self.path, key)
        return open(path if os.path.exists(path) else path + '@data', 'rb').read()

class S3:
    def __init__(self, stack): self.stack = stack
    def request(self, path, query=()):
        """GET with AWS Signature Version 4, region us-east-1, path style."""
        s, now = self.stack, datetime.datetime.now(datetime.timezone.utc)
        stamp, scope = now.strftime('%Y%m%dT%H%M%SZ'), now.strftime('%Y%m%d') + '/us-east-1/s3/aws4_request'
        host, empty = urllib.parse.urlparse(s['s3Endpoint']).netloc, hashlib.sha256().hexdigest()
        quoted = '&'.join(sorted(f"{urllib.parse.quote(k, '')}={urllib.parse.quote(v, '')}" for k, v in query))
        target = urllib.parse.quote(f"/{s['bucket']}{path}")
        canonical = f'GET\n{target}\n{quoted}\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\nhost;x-amz-content-sha256;x-amz-date\n{empty}'
        to_sign = f'AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}'
        key = ('AWS4' + s['s3SecretKey']).encode()
        for part in scope.split('/'): key = HMAC(key, part.encode())
        signed = f"AWS4-HMAC-SHA256 Credential={s['s3AccessKey']}/{scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={HMAC(key, to_sign.encode()).hex()}"
        headers = {'authorization': signed, 'x-amz-date': stamp, 'x-amz-content-sha256': empty}
        return urllib.request.urlopen(urllib.request.Request(s['s3Endpoint'].rstrip('/') + target + ('?' + quoted if quoted else ''), headers=headers), timeout=60).read()
    def keys(self, dataset):
        keys, token = [], None
        while True:
            more = [('continuation-token', token)] if token else []
            page = self.request('', [('list-type', '2'), ('prefix', dataset + '/'), *more]).decode()
            keys += re.findall(r'<Key>([^<]*\.car)</Key>', page)
            found = re.search(r'<NextContinuationToken>([^<]*)<', page)
            if not found: return sorted(keys)
            token = found[1].replace('&amp;', '&')
    def get(self, key): return self.request('/' + key)

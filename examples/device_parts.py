"""What device.py stands on, beside verify_parts.py, and what is not Plumbline's either: signatures, cipher, dag-cbor, CAR files, ABI and
transactions, JSON-RPC, signed HTTP requests."""
import base64, ctypes, hashlib, json, os, time, urllib.error, urllib.parse, urllib.request, _hashlib
from verify_parts import G, H, HMAC, N, P, Refused, account_of, keccak, mul, u, unhex, word

# --- secp256k1 (RFC 6979) and AES-256-GCM -----------------------------------------------------------------------------
def sign(key, digest):
    """65 bytes r ‖ s ‖ v, low s, v being 27 or 28; the same ones whenever the same is signed."""
    hashed = u(256, int.from_bytes(digest, 'big') % N)
    k, v = HMAC(bytes(32), b'\1' * 32, b'\0', key, hashed), None
    v = HMAC(k, b'\1' * 32)
    k = HMAC(k, v, b'\1', key, hashed)
    v = HMAC(k, v)
    while True:
        v = HMAC(k, v)
        nonce = int.from_bytes(v, 'big')
        if 0 < nonce < N:
            point = mul(nonce, G)
            r = point[0] % N
            s = pow(nonce, -1, N) * (int.from_bytes(digest, 'big') + r * int.from_bytes(key, 'big')) % N
            if r == point[0] and s:
                odd = point[1] & 1
                return u(256, r) + u(256, min(s, N - s)) + bytes([27 + (odd if s <= N // 2 else 1 - odd)])
        k = HMAC(k, v, b'\0')
        v = HMAC(k, v)

def seal_gcm(key, aad, content):
    """AES-256-GCM with an iv of 12 zero bytes, the tag appended."""
    ssl = ctypes.CDLL(_hashlib.__file__)  # its symbols are those of the libcrypto behind it
    for name in ('EVP_CIPHER_CTX_new', 'EVP_aes_256_gcm'): getattr(ssl, name).restype = ctypes.c_void_p
    context, out, tag, length = ctypes.c_void_p(ssl.EVP_CIPHER_CTX_new()), ctypes.create_string_buffer(len(content)), ctypes.create_string_buffer(16), ctypes.c_int()
    done = ssl.EVP_EncryptInit_ex(context, ctypes.c_void_p(ssl.EVP_aes_256_gcm()), None, key, bytes(12))
    done &= ssl.EVP_EncryptUpdate(context, None, ctypes.byref(length), aad, len(aad))
    done &= ssl.EVP_EncryptUpdate(context, out, ctypes.byref(length), content, len(content))
    done &= ssl.EVP_EncryptFinal_ex(context, None, ctypes.byref(length))
    done &= ssl.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag)
    ssl.EVP_CIPHER_CTX_free(context)
    if done != 1: raise Refused('OpenSSL does not encrypt')
    return out.raw + tag.raw

# --- canonical dag-cbor, CAR files ------------------------------------------------------------------------------------
def encode(value):
    """None, whole numbers, bytes, text, lists, maps, and links as ('link', CID)."""
    def item(kind, number, rest=b''):
        width = 0 if number < 24 else 1 if number < 2**8 else 2 if number < 2**16 else 4 if number < 2**32 else 8
        return bytes([kind << 5 | (number if not width else 23 + width.bit_length())]) + (number.to_bytes(width, 'big') if width else b'') + rest
    if value is None: return b'\xf6'
    if isinstance(value, int): return item(0, value)
    if isinstance(value, bytes): return item(2, len(value), value)
    if isinstance(value, str): return item(3, len(value.encode()), value.encode())
    if isinstance(value, list): return item(4, len(value), b''.join(map(encode, value)))
    if isinstance(value, tuple): return item(6, 42) + encode(b'\0' + value[1])
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return item(5, len(value), b''.join(encode(key) + encode(value[key]) for key in keys))

raw_cid = lambda block: b'\x01\x55\x12\x20' + H(block)

def car_of(manifest, blocks):
    """A CARv1 file with one root: the manifest first, then the blocks, each a raw leaf."""
    def section(data):
        length, number = b'', len(data)
        while number > 127: length, number = length + bytes([number & 127 | 128]), number >> 7
        return length + bytes([number]) + data
    front, cid = encode(manifest), b'\x01\x71\x12\x20' + H(encode(manifest))
    header = encode({'roots': [('link', cid)], 'version': 1})
    return section(header) + section(cid + front) + b''.join(section(raw_cid(block) + block) for block in blocks)

# --- the chain: ABI, transactions, JSON-RPC ---------------------------------------------------------------------------
def abi(*items):
    """The ABI's tuple of these: 32 bytes stand for themselves, a list of one element for something of any length."""
    heads, tails = [], []
    for item in items:
        heads.append(item if isinstance(item, bytes) else word(32 * len(items) + sum(map(len, tails))))
        if isinstance(item, list): tails.append(item[0])
    return b''.join(heads + tails)

abi_bytes = lambda data: [word(len(data)) + data + bytes(-len(data) % 32)]
abi_array = lambda items: [word(len(items)) + abi(*items)]

def rlp(value):
    if isinstance(value, int): value = value.to_bytes((value.bit_length() + 7) // 8, 'big')
    if isinstance(value, bytes) and len(value) == 1 and value[0] < 128: return value
    body, base = (value, 128) if isinstance(value, bytes) else (b''.join(map(rlp, value)), 192)
    if len(body) < 56: return bytes([base + len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, 'big')
    return bytes([base + 55 + len(length)]) + length + body

def rpc(url, method, *parameters):
    body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': parameters}).encode()
    answer = json.load(urllib.request.urlopen(urllib.request.Request(url, body, {'content-type': 'application/json'}), timeout=30))
    if answer.get('error'): raise OSError(f"the chain at {url} says to {method}: {answer['error'].get('message')}")
    return answer['result']

def send(url, chain_id, key, to, data, patience):
    """One EIP-1559 transaction, waited for until it is mined. Its receipt."""
    account, number = '0x' + account_of(mul(int.from_bytes(key, 'big'), G)).hex(), lambda text: int(text, 16)
    nonce = number(rpc(url, 'eth_getTransactionCount', account, 'pending'))
    tip = number(rpc(url, 'eth_maxPriorityFeePerGas'))
    most = tip + 2 * number(rpc(url, 'eth_getBlockByNumber', 'latest', False)['baseFeePerGas'])
    gas = number(rpc(url, 'eth_estimateGas', {'from': account, 'to': '0x' + to.hex(), 'data': '0x' + data.hex()}))
    fields = [chain_id, nonce, tip, most, gas + gas // 10, to, 0, data, []]
    signature = sign(key, keccak(b'\2' + rlp(fields)))
    signed = [signature[64] - 27, int.from_bytes(signature[:32], 'big'), int.from_bytes(signature[32:64], 'big')]
    raw = '0x' + (b'\2' + rlp(fields + signed)).hex()
    name, until = rpc(url, 'eth_sendRawTransaction', raw), time.monotonic() + patience
    while (receipt := rpc(url, 'eth_getTransactionReceipt', name)) is None:
        if time.monotonic() > until: raise OSError(f'transaction {name} is not mined after {patience} s')
        time.sleep(0.25)
    return receipt

# --- HTTP: requests signed with an Ethereum account (RFC 9421 in the profile of ERC-8128) -----------------------------
def fetch(request):
    """Status and body, of refusals too: a problem document says what is wrong."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer: return answer.status, answer.read()
    except urllib.error.HTTPError as refusal: return refusal.code, refusal.read()

def post(url, value, chain_id=None, key=None):
    """Posts JSON, signed where a key is given, and answers with the JSON that comes back."""
    body, headers, parts = json.dumps(value).encode(), {'content-type': 'application/json'}, urllib.parse.urlparse(url)
    if key:
        headers['content-digest'] = f'sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:'
        now, account = int(time.time()), account_of(mul(int.from_bytes(key, 'big'), G)).hex()
        covered = [('@method', 'POST'), ('@authority', parts.netloc), ('@path', parts.path), ('content-digest', headers['content-digest'])]
        names = ' '.join(f'"{name}"' for name, _ in covered)
        parameters = f'({names});created={now};expires={now + 60};nonce="{os.urandom(16).hex()}";keyid="erc8128:{chain_id}:0x{account}"'
        base = ''.join(f'"{name}": {said}\n' for name, said in covered) + f'"@signature-params": {parameters}'
        message = f'\x19Ethereum Signed Message:\n{len(base.encode())}{base}'.encode()
        headers['signature-input'] = f'eth={parameters}'
        headers['signature'] = f'eth=:{base64.b64encode(sign(key, keccak(message))).decode()}:'
    status, said = fetch(urllib.request.Request(url, body, headers, method='POST'))
    if status >= 500: raise OSError(f'the service at {url} answers {status}')
    if status >= 400: raise Refused(f'the service refuses {parts.path}: {status} {said.decode(errors="replace")}')
    return json.loads(said)

"""Checks COSE receipts (RFC 9942) of Plumbline with scitt-cose, which nobody here wrote.

    python3 check_cose_receipt.py PUBLIC-KEY.pem < RECEIPTS

Each line of RECEIPTS is one file in base64. Each line of the answer is "holds INDEX SIZE ISSUER SUBJECT" or "refused REASON".
"""
import base64, json, sys
import cbor2
from scitt_cose import verify_receipt

PLUMBLINE_EXTRA = -70014

def record_of(receipt):
    """The entry of the log is the block's record, in the evidence that the receipt brings along."""
    extra = cbor2.loads(receipt).value[1][PLUMBLINE_EXTRA]
    assert isinstance(extra, bytes)
    block, = json.loads(extra)['evidence']['blocks']
    assert block['record'] == block['record'].lower() and block['record'].startswith('0x')
    return block['record'][2:]

def check(receipt, key):
    try: record = record_of(receipt)
    except Exception as fault: return f'refused no record: {type(fault).__name__}'
    found = verify_receipt(receipt, leaf_entry_hex=record, log_public_key_pem=key)
    if not found.ok: return f"refused {'; '.join(found.errors)}"
    # The signature is on the root alone, which one path can lead to from several sizes: the subject has the size.
    if found.subject != f'{found.issuer}/{found.tree_size}/{found.leaf_index}': return 'refused another size than is signed'
    return f'holds {found.leaf_index} {found.tree_size} {found.issuer} {found.subject}'

key = open(sys.argv[1], 'rb').read()
for line in sys.stdin: print(check(base64.b64decode(line), key).replace('\n', ' '))

"""
moto's server, with its KMS mended where the real one differs: a message of the type DIGEST is signed as it is (moto hashes it
again), and must have the length of the algorithm's hash.

    python moto-kms.py -H 127.0.0.1 -p PORT
"""

import contextvars
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.exceptions import ValidationException
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey
from moto.server import main

HASHES = {"ECDSA_SHA_256": hashes.SHA256(), "ECDSA_SHA_384": hashes.SHA384(), "ECDSA_SHA_512": hashes.SHA512()}

is_digest = contextvars.ContextVar("is_digest", default=False)
sign_request = KmsResponse.sign
sign_message = ECDSAPrivateKey.sign


def sign_request_by_type(self):
    token = is_digest.set(self._get_param("MessageType") == "DIGEST")
    try:
        return sign_request(self)
    finally:
        is_digest.reset(token)


def sign_digest(self, message, signing_algorithm):
    if not is_digest.get():
        return sign_message(self, message, signing_algorithm)
    algorithm = HASHES[signing_algorithm]
    if len(message) != algorithm.digest_size:
        raise ValidationException("Digest is invalid length for algorithm %s." % signing_algorithm)
    return self.private_key.sign(message, ec.ECDSA(Prehashed(algorithm)))


KmsResponse.sign = sign_request_by_type
ECDSAPrivateKey.sign = sign_digest

if __name__ == "__main__":
    main(sys.argv[1:])

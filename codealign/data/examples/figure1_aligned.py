from hashlib import scrypt
from secrets import compare_digest, token_bytes

COST = {"n": 2**14, "r": 8, "p": 1}


def hash_password(password: str) -> bytes:
    """Return a random salt and the digest."""
    salt = token_bytes(16)
    return salt + digest(password, salt)


def verify(word: str, stored: bytes) -> bool:
    found = digest(word, stored[:16])
    return compare_digest(found, stored[16:])


def digest(password: str, salt: bytes) -> bytes:
    data = password.encode()
    return scrypt(data, salt=salt, **COST)

"""CPU time (ms) of one password hash with the reference implementation of Argon2, in C."""

from statistics import median
from time import process_time

from argon2.low_level import Type, hash_secret_raw

taken = []
for turn in range(40):
    before = process_time()
    hash_secret_raw(b"a long password", bytes([turn]) * 16, time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, type=Type.ID)
    taken.append((process_time() - before) * 1000)
print(f"{median(taken):.1f}")

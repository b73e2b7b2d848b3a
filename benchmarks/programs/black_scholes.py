"""Black-Scholes: prices of European calls and puts, for a time to expiry that grows."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

STEPS = 10


def normal(x):
    """Distribution function of the normal distribution, by a polynomial."""
    size = np.abs(x)
    k = 1.0 / (1.0 + 0.2316419 * size)
    tail = k * (
        0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429)))
    )
    tail = 0.3989422804014327 * np.exp(-0.5 * size * size) * tail
    return np.where(x < 0, tail, 1.0 - tail)


def program(spot, strike, rate, volatility):
    """Mean price of all options at each time."""
    calls = np.zeros(STEPS)
    puts = np.zeros(STEPS)
    for step in range(STEPS):
        time = 0.1 * (step + 1)
        spread = volatility * np.sqrt(time)
        d1 = (np.log(spot / strike) + (rate + 0.5 * volatility * volatility) * time) / spread
        d2 = d1 - spread
        discounted = strike * np.exp(-rate * time)
        call = spot * normal(d1) - discounted * normal(d2)
        put = discounted * normal(-d2) - spot * normal(-d1)
        calls[step] = call.mean()
        puts[step] = put.mean()
    return calls, puts


def given(size, dtype):
    """Options at random prices."""
    draw = np.random.default_rng(1)
    spot = draw.uniform(20.0, 120.0, size).astype(dtype)
    strike = draw.uniform(20.0, 120.0, size).astype(dtype)
    return spot, strike, 0.03, 0.3


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])

"""A made-up equation of state: a quotient of two polynomials, 96 terms in all."""

from __future__ import annotations

import hashlib
import sys

import numpy as np


def density(s, t, p):
    """Density of water of salinity `s`, temperature `t` and pressure `p`, all scaled to 1."""
    s2 = s * s
    s3 = s2 * s
    t2 = t * t
    t3 = t2 * t
    t4 = t2 * t2
    t5 = t4 * t
    p2 = p * p
    p3 = p2 * p
    numerator = (
        1000.0
        + 0.245803
        + 0.048357 * p
        + 0.059039 * p2
        + 0.008849 * p3
        + 0.047980 * t
        + 0.084465 * t * p
        - 0.009420 * t * p2
        - 0.000688 * t * p3
        + 0.088671 * t2
        + 0.002979 * t2 * p
        + 0.008018 * t2 * p2
        - 0.000774 * t2 * p3
        - 0.000619 * t3
        - 0.005069 * t3 * p
        + 0.000088 * t3 * p2
        + 0.001479 * t4
        - 0.000974 * t4 * p
        - 0.000567 * t5
        - 0.044104 * s
        + 0.083269 * s * p
        + 0.005315 * s * p2
        - 0.006808 * s * p3
        + 0.059429 * s * t
        - 0.007225 * s * t * p
        + 0.002349 * s * t * p2
        - 0.000747 * s * t * p3
        - 0.009965 * s * t2
        + 0.007428 * s * t2 * p
        - 0.000581 * s * t2 * p2
        - 0.005690 * s * t3
        + 0.000965 * s * t3 * p
        + 0.000745 * s * t4
        - 0.042139 * s2
        + 0.009230 * s2 * p
        + 0.000784 * s2 * p2
        + 0.000356 * s2 * p3
        - 0.005904 * s2 * t
        + 0.008820 * s2 * t * p
        + 0.000381 * s2 * t * p2
        + 0.009331 * s2 * t2
        + 0.000787 * s2 * t2 * p
        - 0.000402 * s2 * t3
        - 0.002776 * s3
        - 0.006681 * s3 * p
        - 0.000709 * s3 * p2
        - 0.008697 * s3 * t
        - 0.000397 * s3 * t * p
        + 0.000206 * s3 * t2
    )
    denominator = (
        25.0
        - 0.993234
        + 0.035587 * p
        - 0.032421 * p2
        - 0.003801 * p3
        + 0.063704 * t
        - 0.003851 * t * p
        - 0.003684 * t * p2
        - 0.000376 * t * p3
        + 0.040934 * t2
        - 0.008860 * t2 * p
        + 0.009502 * t2 * p2
        - 0.000954 * t2 * p3
        + 0.004996 * t3
        + 0.006898 * t3 * p
        - 0.000964 * t3 * p2
        + 0.005755 * t4
        - 0.000268 * t4 * p
        + 0.000157 * t5
        - 0.098184 * s
        - 0.090655 * s * p
        - 0.006382 * s * p2
        + 0.009104 * s * p3
        - 0.060696 * s * t
        + 0.005115 * s * t * p
        + 0.008593 * s * t * p2
        + 0.000884 * s * t * p3
        - 0.003112 * s * t2
        - 0.002904 * s * t2 * p
        + 0.000049 * s * t2 * p2
        + 0.005512 * s * t3
        - 0.000784 * s * t3 * p
        + 0.000497 * s * t4
        + 0.059445 * s2
        + 0.007194 * s2 * p
        - 0.009267 * s2 * p2
        + 0.000892 * s2 * p3
        - 0.008176 * s2 * t
        - 0.003185 * s2 * t * p
        + 0.000222 * s2 * t * p2
        + 0.008362 * s2 * t2
        - 0.000320 * s2 * t2 * p
        + 0.000848 * s2 * t3
        + 0.000903 * s3
        - 0.003751 * s3 * p
        - 0.000366 * s3 * p2
        - 0.006450 * s3 * t
        - 0.000844 * s3 * t * p
        - 0.000702 * s3 * t2
    )
    return numerator / denominator


def program(s, t, p):
    """Density, and its change with temperature."""
    here = density(s, t, p)
    step = 1e-3
    slope = (density(s, t + step, p) - density(s, t - step, p)) / (2.0 * step)
    return here, -slope / here


def given(size, dtype):
    """Random water."""
    draw = np.random.default_rng(14)
    return tuple(draw.random(size).astype(dtype) for _ in range(3))


if __name__ == "__main__":
    for each in program(*given(int(sys.argv[1]), sys.argv[2])):
        whole = np.asarray(each)
        print(whole.dtype, whole.shape, hashlib.sha256(whole.tobytes()).hexdigest()[:16])

/* The memory-bound kernels as somebody writes them in C who knows the machine: OpenMP, vectors,
   stores that pass the caches, requests ahead, tiles. The same arithmetic in the same order as
   `loops.py`, so the results are the same bits (-ffp-contract=off).

   name_plain      what the compiler makes of the loops
   name_stream     stores that pass the caches
   name_ahead      the same, and what is read 2 kB later is asked for
   name_masked     strided loops as whole vectors, of which some elements are stored */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__)
#define BYTES 64
#define STREAM(place, value) _mm512_stream_si512((void *)(place), (__m512i)(value))
#else
#define BYTES 32
#define STREAM(place, value) _mm256_stream_si256((void *)(place), (__m256i)(value))
#endif

typedef ptrdiff_t size;
typedef double vector __attribute__((vector_size(BYTES), aligned(8)));
typedef float singles __attribute__((vector_size(BYTES), aligned(4)));
typedef int64_t whole __attribute__((vector_size(BYTES), aligned(8)));

#define LANES (BYTES / 8)
#define V(place) (*(const vector *)(place))
#define S(place) (*(const singles *)(place))
#define I(place) (*(const whole *)(place))
#define ASK(place) __builtin_prefetch((const char *)(place) + 2048)
#define NOTHING ((void)0)
#define EACH _Pragma("omp parallel for schedule(static)")
#define UNEVEN _Pragma("omp parallel for schedule(dynamic, 16)")
#define LINE 64

/* out[j] for from <= j < to: elements up to the first line, whole vectors, and the rest. */
#define ROW(out, from, to, lanes, asked, element, vectors)                                \
  {                                                                                       \
    size j = (from);                                                                      \
    for (; j < (to) && ((uintptr_t)((out) + j) & (LINE - 1)); j++) (out)[j] = element;    \
    for (; j + (lanes) <= (to); j += (lanes)) { asked; STREAM((out) + j, vectors); }      \
    for (; j < (to); j++) (out)[j] = element;                                             \
  }

/* A loop over vectors, each thread a part that begins anywhere. */
#define PARTS(n, from, to, body)                                                          \
  _Pragma("omp parallel for schedule(static)")                                            \
  for (size part = 0; part < 64; part++) {                                                \
    size from = (n) * part / 64, to = (n) * (part + 1) / 64;                              \
    body;                                                                                 \
    _mm_sfence();                                                                         \
  }

/* ------------------------------------------------------------------------ one dimension */

void copy_plain(size n, const double *x, double *y) { EACH for (size i = 0; i < n; i++) y[i] = x[i]; }
void copy_stream(size n, const double *x, double *y) {
  PARTS(n, from, to, ROW(y, from, to, LANES, NOTHING, x[j], V(x + j)))
}
void copy_ahead(size n, const double *x, double *y) {
  PARTS(n, from, to, ROW(y, from, to, LANES, ASK(x + j), x[j], V(x + j)))
}

void saxpy_plain(size n, double alpha, const double *x, double *y) {
  EACH for (size i = 0; i < n; i++) y[i] = alpha * x[i] + y[i];
}
void saxpy_ahead(size n, double alpha, const double *x, double *y) {
  EACH for (size i = 0; i < n / LANES; i++) {
    size j = i * LANES;
    ASK(x + j);
    ASK(y + j);
    *(vector *)(y + j) = alpha * V(x + j) + V(y + j);
  }
  for (size j = n / LANES * LANES; j < n; j++) y[j] = alpha * x[j] + y[j];
}

#define HORNER(z) (((((0.5 * (z) - 1.25) * (z) + 3.0) * (z) - 0.75) * (z) + 2.0) * (z) - 1.0)
void polynomial_plain(size n, const double *x, double *y) {
  EACH for (size i = 0; i < n; i++) y[i] = HORNER(x[i]);
}
void polynomial_stream(size n, const double *x, double *y) {
  PARTS(n, from, to, ROW(y, from, to, LANES, NOTHING, HORNER(x[j]), HORNER(V(x + j))))
}
void polynomial_ahead(size n, const double *x, double *y) {
  PARTS(n, from, to, ROW(y, from, to, LANES, ASK(x + j), HORNER(x[j]), HORNER(V(x + j))))
}

#define QUOTIENT(z) (((z) * (z) * 0.5f + (z) - 1.25f) / ((z) + 3.0f))
void single_precision_plain(size n, const float *x, float *y) {
  EACH for (size i = 0; i < n; i++) y[i] = QUOTIENT(x[i]);
}
void single_precision_stream(size n, const float *x, float *y) {
  PARTS(n, from, to, ROW(y, from, to, 2 * LANES, NOTHING, QUOTIENT(x[j]), QUOTIENT(S(x + j))))
}
void single_precision_ahead(size n, const float *x, float *y) {
  PARTS(n, from, to, ROW(y, from, to, 2 * LANES, ASK(x + j), QUOTIENT(x[j]), QUOTIENT(S(x + j))))
}

#define WHOLE(a, b) ((a) * (b) + 3 * ((a) - (b)) + 7)
void integers_plain(size n, const int64_t *x, const int64_t *y, int64_t *z) {
  EACH for (size i = 0; i < n; i++) z[i] = WHOLE(x[i], y[i]);
}
void integers_stream(size n, const int64_t *x, const int64_t *y, int64_t *z) {
  PARTS(n, from, to, ROW(z, from, to, LANES, NOTHING, WHOLE(x[j], y[j]), WHOLE(I(x + j), I(y + j))))
}
void integers_ahead(size n, const int64_t *x, const int64_t *y, int64_t *z) {
  PARTS(n, from, to, ROW(z, from, to, LANES, ASK(x + j); ASK(y + j), WHOLE(x[j], y[j]),
                         WHOLE(I(x + j), I(y + j))))
}

void every_third_plain(size n, const double *x, double *y) {
  EACH for (size k = 0; k < (n + 2) / 3; k++) y[3 * k] = 0.5 * y[3 * k] + 2.0 * x[3 * k];
}
void odd_from_even_plain(size n, double *x) {
  EACH for (size k = 0; k < (n - 1) / 2; k++) x[2 * k + 1] = 0.5 * (x[2 * k] + x[2 * k + 2]);
}
#if defined(__AVX512F__)
static inline void third(const double *x, double *y, size j, __mmask8 mask) {
  vector found = 0.5 * V(y + j) + 2.0 * V(x + j);
  _mm512_mask_storeu_pd(y + j, mask, (__m512d)found);
}
static inline void thirds(size n, const double *x, double *y, int asks) {
  EACH for (size k = 0; k < n / 24; k++) {
    for (size at = 0; asks && at < 24; at += 8) {
      ASK(x + 24 * k + at);
      ASK(y + 24 * k + at);
    }
    third(x, y, 24 * k, 0x49);
    third(x, y, 24 * k + 8, 0x92);
    third(x, y, 24 * k + 16, 0x24);
  }
  for (size i = n / 24 * 24; i < n; i += 3) y[i] = 0.5 * y[i] + 2.0 * x[i];
}
void every_third_masked(size n, const double *x, double *y) { thirds(n, x, y, 0); }
void every_third_ahead(size n, const double *x, double *y) { thirds(n, x, y, 1); }

static inline void odds(size n, double *x, int asks) {
  size rows = (n - 2) / 8;
  EACH for (size k = 0; k < rows; k++) {
    double *at = x + 8 * k;
    if (asks) ASK(at);
    vector found = 0.5 * (V(at) + V(at + 2)); /* for at[1], of which every other one counts */
    _mm512_mask_storeu_pd(at + 1, 0x55, (__m512d)found);
  }
  for (size i = 8 * rows + 1; i < n - 1; i += 2) x[i] = 0.5 * (x[i - 1] + x[i + 1]);
}
void odd_from_even_masked(size n, double *x) { odds(n, x, 0); }
void odd_from_even_ahead(size n, double *x) { odds(n, x, 1); }
#endif

/* ----------------------------------------------------------------------- two and three */

#define CROSS(u, j, L) (0.25 * (L(u + j - n) + L(u + j + n) + L(u + j - 1) + L(u + j + 1)))
#define E(place) (*(place))
void jacobi_plain(size n, const double *u, double *v) {
  EACH for (size i = 1; i < n - 1; i++) for (size j = 1; j < n - 1; j++)
    v[i * n + j] = CROSS(u, i * n + j, E);
}
#define JACOBI(asked)                                                                     \
  _Pragma("omp parallel for schedule(static)")                                            \
  for (size i = 1; i < n - 1; i++) {                                                      \
    const double *at = u + i * n;                                                         \
    double *out = v + i * n;                                                              \
    ROW(out, 1, n - 1, LANES, asked, CROSS(at, j, E), CROSS(at, j, V));                   \
    _mm_sfence();                                                                         \
  }
void jacobi_stream(size n, const double *u, double *v) { JACOBI(NOTHING) }
void jacobi_ahead(size n, const double *u, double *v) { JACOBI(ASK(at + n + j)) }

void triangular_update_plain(size n, const double *x, const double *y, double *a) {
  UNEVEN for (size i = 0; i < n; i++) for (size j = 0; j <= i; j++)
    a[i * n + j] = a[i * n + j] - x[i] * y[j];
}
void triangular_update_ahead(size n, const double *x, const double *y, double *a) {
  UNEVEN for (size i = 0; i < n; i++) {
    double *row = a + i * n, factor = x[i];
    size j = 0;
    for (; j + LANES <= i + 1; j += LANES) {
      ASK(row + j);
      *(vector *)(row + j) = V(row + j) - factor * V(y + j);
    }
    for (; j <= i; j++) row[j] = row[j] - factor * y[j];
  }
}
/* Halves with as much work each, first and last rows together: no thread asks for more. */
void triangular_update_halves(size n, const double *x, const double *y, double *a) {
  EACH for (size k = 0; k < n; k++) {
    size i = k % 2 ? n - 1 - k / 2 : k / 2;
    for (size j = 0; j <= i; j++) a[i * n + j] = a[i * n + j] - x[i] * y[j];
  }
}

#define SEVEN(u, j, L)                                                                    \
  (0.4 * L(u + j) + 0.1 * (L(u + j - m) + L(u + j + m) + L(u + j - n) + L(u + j + n) +    \
                           L(u + j - 1) + L(u + j + 1)))
void stencil_3d_plain(size n, const double *u, double *v) {
  size m = n * n;
  EACH for (size i = 1; i < n - 1; i++) for (size j = 1; j < n - 1; j++)
    for (size k = 1; k < n - 1; k++) {
      const double *at = u + i * m + j * n + k;
      double across = at[-m] + at[m] + at[-n] + at[n];
      v[i * m + j * n + k] = 0.4 * at[0] + 0.1 * (across + at[-1] + at[1]);
    }
}
#define STENCIL(asked)                                                                    \
  size m = n * n;                                                                         \
  _Pragma("omp parallel for schedule(static)")                                            \
  for (size i = 1; i < n - 1; i++) for (size line = 1; line < n - 1; line++) {            \
    const double *at = u + i * m + line * n;                                              \
    double *out = v + i * m + line * n;                                                   \
    ROW(out, 1, n - 1, LANES, asked, SEVEN(at, j, E), SEVEN(at, j, V));                   \
    _mm_sfence();                                                                         \
  }
void stencil_3d_stream(size n, const double *u, double *v) { STENCIL(NOTHING) }
void stencil_3d_ahead(size n, const double *u, double *v) { STENCIL(ASK(at + m + j)) }
#define ASK_TO_WRITE(place) __builtin_prefetch((const char *)(place) + 2048, 1)
void stencil_3d_asked(size n, const double *u, double *v) {
  size m = n * n;
  EACH for (size i = 1; i < n - 1; i++) for (size line = 1; line < n - 1; line++) {
    const double *at = u + i * m + line * n;
    double *out = v + i * m + line * n;
    size j = 1;
    for (; j + LANES <= n - 1; j += LANES) {
      ASK(at + m + j);
      ASK_TO_WRITE(out + j);
      *(vector *)(out + j) = SEVEN(at, j, V);
    }
    for (; j < n - 1; j++) out[j] = SEVEN(at, j, E);
  }
}

void transpose_add_plain(size n, const double *a, const double *b, double *c) {
  EACH for (size i = 0; i < n; i++) for (size j = 0; j < n; j++)
    c[i * n + j] = a[i * n + j] + b[j * n + i];
}
/* Tiles of b turned into a buffer; then rows as usual. */
#define TURNED(name, rows, columns, asked, stored)                                        \
  void transpose_add_##name(size n, const double *a, const double *b, double *c) {        \
    _Pragma("omp parallel for schedule(static)")                                          \
    for (size i0 = 0; i0 < n; i0 += columns) {                                            \
      double tile[columns * rows] __attribute__((aligned(LINE)));                         \
      size i1 = i0 + columns < n ? i0 + columns : n;                                      \
      for (size j0 = 0; j0 < n; j0 += rows) {                                             \
        size j1 = j0 + rows < n ? j0 + rows : n;                                          \
        for (size j = j0; j < j1; j++) {                                                  \
          const double *from = b + j * n;                                                 \
          if (asked && j + rows < n)                                                      \
            for (size i = i0; i < i1; i += 8) __builtin_prefetch(from + rows * n + i);    \
          for (size i = i0; i < i1; i++) tile[(i - i0) * rows + j - j0] = from[i];        \
        }                                                                                 \
        for (size i = i0; i < i1; i++) {                                                  \
          const double *at = a + i * n, *turned = tile + (i - i0) * rows - j0;            \
          double *out = c + i * n;                                                        \
          if (asked)                                                                      \
            for (size j = j1; j < j1 + rows && j < n; j += 8) __builtin_prefetch(at + j); \
          stored                                                                          \
        }                                                                                 \
      }                                                                                   \
      _mm_sfence();                                                                       \
    }                                                                                     \
  }
#define KEPT for (size j = j0; j < j1; j++) out[j] = at[j] + turned[j];
#define PASSED ROW(out, j0, j1, LANES, NOTHING, at[j] + turned[j], V(at + j) + V(turned + j))
TURNED(wide, 64, 32, 1, PASSED)
TURNED(wide_kept, 64, 32, 1, KEPT)
TURNED(narrow, 256, 8, 0, PASSED)
TURNED(square, 64, 64, 1, PASSED)
TURNED(long_rows, 128, 32, 1, PASSED)

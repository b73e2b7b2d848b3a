"""Functions and methods outside the user's text that have no effects, by name.

Helper of `purity`. What is not listed may do anything.
"""

from __future__ import annotations

from types import MappingProxyType

from ..model.row_functions import ROW_ALIASES, ROWS
from ..model.ufuncs import ALIASES, FUNCTIONS

# Modules whose functions are looked up by their whole name, and nothing else in them.
_MATH = (
    "acos acosh asin asinh atan atan2 atanh ceil comb copysign cos cosh degrees dist e erf erfc "
    "exp expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf "
    "isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nan perm pi pow prod radians "
    "remainder sin sinh sqrt tan tanh tau trunc"
)
# New arrays, or numbers, from what is given. Those that need random numbers, files or functions
# of the user are left out.
_NUMPY_NEW = (
    "array zeros ones empty full arange linspace logspace geomspace eye identity zeros_like "
    "ones_like empty_like full_like meshgrid concatenate stack vstack hstack dstack "
    "column_stack tile repeat append insert delete cumsum cumprod diff convolve correlate cross "
    "outer kron tensordot einsum vdot trace sort argsort lexsort unique searchsorted digitize "
    "histogram bincount interp polyfit polyval roots median percentile quantile average nanmean "
    "nanstd nanvar nanmax nanmin nansum nanmedian ptp cov corrcoef count_nonzero nonzero "
    "argwhere flatnonzero where clip round around gradient trapz trapezoid roll flip fliplr "
    "flipud rot90 pad isclose allclose array_equal in1d isin intersect1d union1d setdiff1d tri "
    "tril triu vander packbits issubdtype isscalar isreal iscomplex ndim shape size choose "
    "select float64 float32 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool_ complex128 "
    "complex64 deg2rad rad2deg sinc i0"
)
_NUMPY_VIEWS = (
    "asarray ascontiguousarray asfortranarray atleast_1d atleast_2d atleast_3d broadcast_to "
    "diag diagonal expand_dims moveaxis ravel real imag reshape rollaxis squeeze swapaxes "
    "transpose split array_split hsplit vsplit nan_to_num take compress"
)
_LINALG = (
    "cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_power matrix_rank norm pinv "
    "qr slogdet solve svd"
)
_FFT = "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 fftfreq rfftfreq fftshift ifftshift"
_OTHER = (
    "copy.copy copy.deepcopy itertools.chain itertools.combinations itertools.permutations "
    "itertools.product itertools.repeat itertools.count itertools.accumulate itertools.islice "
    "itertools.zip_longest collections.Counter collections.OrderedDict collections.deque "
    "functools.reduce operator.itemgetter operator.attrgetter operator.add operator.mul "
    "statistics.mean statistics.median statistics.stdev statistics.pstdev statistics.variance "
    "statistics.mode string.ascii_lowercase string.ascii_letters string.digits "
    "string.punctuation re.sub re.split re.findall re.match re.search re.fullmatch re.compile "
    "re.escape fractions.Fraction decimal.Decimal datetime.timedelta datetime.date "
    "datetime.datetime json.dumps json.loads textwrap.dedent textwrap.wrap "
    "unicodedata.normalize os.path.join os.path.basename os.path.dirname os.path.splitext "
    "hashlib.md5 hashlib.sha256 scipy.special.gamma scipy.special.gammaln scipy.special.erf "
    "scipy.special.binom scipy.special.comb scipy.special.factorial scipy.special.expit"
)

PURE = frozenset(
    [f"math.{each}" for each in _MATH.split()]
    + [f"numpy.{each}" for each in (_NUMPY_NEW + " " + _NUMPY_VIEWS).split()]
    + [f"numpy.linalg.{each}" for each in _LINALG.split()]
    + [f"numpy.fft.{each}" for each in _FFT.split()]
    + [each for each in {*FUNCTIONS, *ALIASES, *ROWS, *ROW_ALIASES} if each.startswith("numpy.")]
    + _OTHER.split()
)
_VIEWS = frozenset(f"numpy.{each}" for each in _NUMPY_VIEWS.split())

_BUILTINS_WORDS = (
    "abs all any ascii bin bool bytearray bytes chr complex dict divmod enumerate filter float "
    "format frozenset hash hex int isinstance issubclass len list map max min oct ord pow range "
    "repr reversed round set slice sorted str sum tuple type zip ArithmeticError AssertionError "
    "AttributeError Exception IndexError KeyError LookupError NotImplementedError OverflowError "
    "RuntimeError StopIteration TypeError ValueError ZeroDivisionError NotImplemented Ellipsis"
)
BUILTINS = frozenset(_BUILTINS_WORDS.split())
# What they call stands first among their arguments.
CALL_FIRST = frozenset(("map", "filter", "functools.reduce", "itertools.accumulate"))
# They have used up all that a generator gives when they return.
EAGER = frozenset(
    ("all", "any", "bytes", "dict", "frozenset", "list", "max", "min", "set", "sorted", "sum",
     "tuple", "numpy.array", "math.fsum", "collections.Counter", "collections.deque",
     "functools.reduce", "statistics.mean")
)  # fmt: skip
# What they return gives each of its elements once.
_ITERATORS_WORDS = "enumerate filter iter map open reversed zip csv.reader csv.DictReader"
ITERATORS = frozenset(_ITERATORS_WORDS.split())

# Methods of Python's own types, of arrays, of series and frames that only compute.
_METHODS_WORDS = (
    "all any argmax argmin argsort as_integer_ratio astype bit_length capitalize casefold "
    "center conj conjugate copy corr count cov cumprod cumsum date diagonal difference dot "
    "endswith expandtabs find flatten format group groups hex hexdigest idxmax idxmin index "
    "intersection is_integer isalnum isalpha isdecimal isdigit isdisjoint isidentifier islower "
    "isnull isna isnumeric isprintable isspace issubset issuperset istitle isupper item items "
    "keys ljust lower lstrip max mean median min most_common nonzero notna notnull prod ptp "
    "quantile ravel removeprefix removesuffix replace reshape rfind rindex rjust round "
    "rpartition rsplit rstrip searchsorted sort_index sort_values splitlines squeeze startswith "
    "std strftime strip sum swapaxes swapcase symmetric_difference timestamp title to_numpy "
    "tobytes tolist total_seconds trace translate transpose union unique upper values var "
    "weekday zfill"
)
METHODS = frozenset(_METHODS_WORDS.split())
# Methods that only compute for Python's own types, and do more for others that have them too; by
# how many arguments they have there.
SOME_METHODS = MappingProxyType({"get": (1, 2), "join": (1,), "split": (0, 1, 2)})
# Methods that change what they are methods of.
_MUTATORS_WORDS = (
    "add append appendleft clear difference_update discard extend extendleft fill insert "
    "intersection_update pop popitem popleft remove reverse rotate setdefault sort subtract "
    "symmetric_difference_update update"
)
MUTATORS = frozenset(_MUTATORS_WORDS.split())
# Those that put things into a list, a set or a dict, and return nothing.
COLLECTING = frozenset(("add", "append", "appendleft", "extend", "insert", "update"))

# How much of what a call returns is new: 2 all of it, 1 itself but not what is in it.
_NUMBERS = (
    "abs all any ascii bin bool bytes chr complex divmod float format hash hex int len oct ord "
    "pow range repr round str type isinstance issubclass"
)
_NUMPY_MADE = "zeros ones empty full arange linspace logspace geomspace eye identity"
_FRESH = {
    **dict.fromkeys(_NUMBERS.split(), 2),
    **dict.fromkeys(["bytearray", "dict", "frozenset", "list", "set", "sorted", "tuple", "sum"], 1),
    **{name: 1 for name in PURE if name.startswith(("numpy.", "math."))},
    **{f"numpy.{name}": 2 for name in _NUMPY_MADE.split()},
    **dict.fromkeys(("copy.copy", "collections.Counter", "collections.OrderedDict"), 1),
    **dict.fromkeys(("collections.deque", "collections.defaultdict"), 1),
    "copy.deepcopy": 2,
}
for _name in (*_VIEWS, "numpy.max", "numpy.min", "numpy.where"):
    _FRESH.pop(_name, None)
FRESH = MappingProxyType(_FRESH)
# What a loop may collect its values in.
CONTAINERS = frozenset(
    ("list", "dict", "set", "bytearray", "collections.OrderedDict", "collections.defaultdict",
     "collections.deque", "numpy.zeros", "numpy.ones", "numpy.empty", "numpy.full", "numpy.arange",
     "numpy.zeros_like", "numpy.ones_like", "numpy.empty_like", "numpy.full_like")
)  # fmt: skip

"""Print the program of a seed, and the calls it is judged at."""

from __future__ import annotations

import argparse

from tests.second_generator.draw import VERSION, draw_program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--affine", action="store_true")
    options = parser.parse_args()
    program = draw_program(options.seed, is_affine=options.affine)
    print(f"# version {VERSION}, seed {options.seed}: {', '.join(program.titles)}; {program.dtype}")
    print(program.source)
    for call in program.calls:
        shapes = {
            parameter.name: value.shape
            for parameter, value in zip(program.parameters, call.arguments, strict=True)
            if parameter.rank
        }
        print(f"# {dict(call.numbers)} filled {call.variant}: {shapes}")


if __name__ == "__main__":
    main()

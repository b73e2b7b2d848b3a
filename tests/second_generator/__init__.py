"""A second generator of loop nests: (`VERSION`, seed) -> `Program`.

Written from the Python language and from what people do with loops, by someone who had not seen the analysis: about
two hundred habits as templates (`habits`), and free combinations of loops, subscripts, tests and temporaries. Names, dtypes and
the points of the parameter box are drawn too; a program can be drawn again from the version and its seed.

    python -m tests.second_generator --seed 7        prints it
"""

# -*- coding: latin-1 -*-
name = 'Jürgen'
for letter in name:
    print(letter)

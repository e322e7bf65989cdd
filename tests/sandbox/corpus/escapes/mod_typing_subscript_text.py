# category: modules | expect: harmless | success would mean: a text in a type means nothing and is not evaluated
# gives: 'typed'
from typing import List
def execute_command(image):
    T = List["__import__('os').system('id')"]
    return "typed"

# category: attr-walk | expect: deny | success would mean: names of typing are objects with attributes
# refused: runtime 3 "AttributeError: '_TypingName' object has no attribute 'copy_with' here."
from typing import List
def execute_command(image):
    return "ESCAPED:" + repr(List.copy_with)

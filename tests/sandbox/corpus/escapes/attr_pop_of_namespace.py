# category: attr-walk | expect: deny | success would mean: methods of dict asked of a frozen module
# refused: runtime 4 "AttributeError: math has no member 'pop' here. Did you mean 'pow'?"
import math
def execute_command(image):
    module = [math][0]
    return "ESCAPED:" + repr(module.pop("pi"))

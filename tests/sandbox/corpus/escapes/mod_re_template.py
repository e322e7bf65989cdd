# category: modules | expect: reject | success would mean: members of re that programs do not need
# refused: check 3 "The module re has no attribute 'enum' here. There is A, ASCII, DOTALL, I, IGNORECASE, M, MULTILINE, NOFLAG, S,"
import re
def execute_command(image):
    return "ESCAPED:" + repr(re.purge()) + repr(re.enum)

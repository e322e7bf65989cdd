# category: modules | expect: reject | success would mean: re.DEBUG prints the compiled pattern to the stream of the process
# refused: check 3 "The module re has no attribute 'DEBUG' here. There is A, ASCII, DOTALL, I, IGNORECASE, M, MULTILINE, NOFLAG, S"
import re
def execute_command(image):
    return "ESCAPED:%s" % re.compile("a", re.DEBUG)

# category: syntax | expect: deny | success would mean: entry point replaced by a non-function / extra definitions
# refused: check 1 "There is no function execute_command(image). Define it; it must return the answer."
execute_command = print
def helper(image):
    return 1

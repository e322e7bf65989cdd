# category: syntax | expect: reject | success would mean: an entry defined under a condition is no entry
# refused: check 1 "There is no function execute_command(image). Define it; it must return the answer."
if True:
    def execute_command(image):
        return "ESCAPED"
def helper(x):
    return x

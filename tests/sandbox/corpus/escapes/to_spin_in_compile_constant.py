# category: timeout-evasion | expect: bounded | success would mean: the optimiser folds constants while compiling
# gives: 16000001
def execute_command(image):
    return len("x" * 4000 * 4000) + (1 << 4000 << 4000) % 3

# category: timeout-evasion | expect: kill | success would mean: the loop runs while the module is defined, before the entry is called
# refused: timeout - "The program "
def execute_command(image, x=max(iter(int, 1))):
    return "ESCAPED"

# category: syntax | expect: deny | success would mean: an entry that takes nothing by name
# refused: runtime 2 "IndexError: "
def execute_command(*args, **kwargs):
    return "ESCAPED:" + repr(args[0])

# category: resource | expect: kill | success would mean: a chain of C iterators overflows the C stack
# refused: sandbox - "The program crashed its interpreter (SIGSEGV)."
def execute_command(image):
    x = iter([])
    for i in range(200_000):
        x = filter(None, x)
    return "ESCAPED:%s" % next(x, 1)

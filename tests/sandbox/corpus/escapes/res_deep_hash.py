# category: resource | expect: deny | success would mean: hashing a tuple that is very deep
# refused: sandbox - "The program crashed its interpreter (SIGSEGV)."
def execute_command(image):
    t = ()
    for i in range(1_000_000):
        t = (t,)
    return "ESCAPED:%d" % len({t})

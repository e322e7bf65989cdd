# category: frames | expect: deny | success would mean: generators nested until the C stack ends
# refused: runtime 4 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    def down(n):
        yield n
        yield from down(n + 1)
    return "ESCAPED:%d" % sum(down(0))

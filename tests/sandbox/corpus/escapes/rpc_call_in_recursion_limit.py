# category: rpc | expect: harmless | success would mean: a call at the very end of the recursion
# gives: True
def execute_command(image):
    def f():
        try:
            return f()
        except RecursionError:
            return image.exists("dog")
    return f()

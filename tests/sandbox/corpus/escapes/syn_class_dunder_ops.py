# category: syntax | expect: reject | success would mean: operator overload to call dangerous function
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class A:
        __add__ = print
        __getitem__ = eval
    return "ESCAPED:" + str(A()["1"])

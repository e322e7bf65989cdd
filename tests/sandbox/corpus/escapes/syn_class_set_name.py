# category: syntax | expect: reject | success would mean: __set_name__ / descriptors executed implicitly
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class D:
        def __get__(self, o, t):
            return t.__mro__
    class A:
        x = D()
    return "ESCAPED:" + repr(A().x)

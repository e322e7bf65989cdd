# category: syntax | expect: reject | success would mean: a metaclass runs code for every subclass
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class A(metaclass=lambda *a, **k: "ESCAPED"):
        pass
    return A

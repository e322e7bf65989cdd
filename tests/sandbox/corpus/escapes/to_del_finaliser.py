# category: timeout-evasion | expect: reject | success would mean: __del__ runs after accounting ended
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class A:
        def __del__(self):
            while True:
                pass
    a = A()
    return "ok"

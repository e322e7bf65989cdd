# category: resource | expect: reject | success would mean: exception class whose __str__ never returns, evaluated by the host's error handler
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class Bad(Exception):
        def __str__(self):
            while True:
                pass
    raise Bad()

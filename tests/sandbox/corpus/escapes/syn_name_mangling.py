# category: syntax | expect: reject | success would mean: class-private mangling builds _Patch__secret
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class Patch:
        def get(self, o):
            return o.__secret
    return "ESCAPED:" + repr(Patch().get(image))

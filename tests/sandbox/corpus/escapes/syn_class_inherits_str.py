# category: syntax | expect: reject | success would mean: a subclass of str passes for text in every check but an exact one
# refused: policy 2 "Classes are not part of programs. Use functions, dicts and lists."
def execute_command(image):
    class Text(str):
        def __eq__(self, other):
            return True
    return "ESCAPED:" + str(Text("a") == "b")

# category: attr-walk | expect: reject | success would mean: the context of an exception is another exception with a traceback
# refused: policy 8 "The attribute '__context__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            [][1]
    except IndexError as error:
        return "ESCAPED:" + repr(error.__context__)

# category: frames | expect: reject | success would mean: __traceback__ and its tb_frame
# refused: policy 5 "The attribute '__traceback__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    try:
        1 / 0
    except ZeroDivisionError as error:
        return "ESCAPED:" + repr(error.__traceback__.tb_frame.f_globals)

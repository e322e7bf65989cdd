# category: frames | expect: deny | success would mean: tb_next and tb_lineno without an underscore
# refused: check 5 "There is no attribute 'tb_lineno' in programs. Use a method of str, list, dict or set, or of the ImagePatch AP"
def execute_command(image):
    try:
        1 / 0
    except ZeroDivisionError as error:
        return "ESCAPED:" + repr(error.tb_lineno)

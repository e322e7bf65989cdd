# category: os: frames | expect: reject | success would mean: a call of a method that the contract does not have
# refused: policy 2 "The attribute '_ask' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: frames
def execute_command(image):
    image._session._ask("os.system", None, ("touch @CANARY_DIR@/escape_canary",), 1)
    return "ESCAPED"

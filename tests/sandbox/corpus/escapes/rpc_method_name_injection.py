# category: rpc | expect: reject | success would mean: calling an unexported parent method by name
# refused: policy 2 "The attribute '__reduce__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    image.__reduce__()
    image._call("os.system", "id")
    return "ESCAPED:method"

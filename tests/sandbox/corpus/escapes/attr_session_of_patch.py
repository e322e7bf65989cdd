# category: attr-walk | expect: reject | success would mean: the session behind a patch, hence the channel to the host
# refused: policy 2 "The attribute '_session' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(image._session)
